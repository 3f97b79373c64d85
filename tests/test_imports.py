"""What an import drags in: `import srntt` and `srntt --help` must answer before PyTorch could have been loaded."""

import subprocess
import sys

import pytest

import srntt

HEAVY = ("torch", "numba", "PIL", "numpy")


def _heavy_modules_after(code: str) -> str:
    report = f"import sys\n{code}\nprint(*[name for name in {HEAVY} if name in sys.modules], file=sys.stderr, end='')"
    done = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, check=True)
    return done.stderr


def test_import_is_cheap():
    assert _heavy_modules_after("import srntt; srntt.errors.SrnttError; dir(srntt)") == ""


def test_help_does_not_load_torch():
    code = (
        "from srntt.cli import main\n"
        "sys.argv = ['srntt', '--help']\n"
        "try:\n    main()\n"
        "except SystemExit as end:\n    assert not end.code, end.code\n"
    )
    assert "torch" not in _heavy_modules_after(code)


@pytest.mark.parametrize("name", srntt.__all__)
def test_public_name_is_there(name: str):
    assert getattr(srntt, name) is not None


def test_lazy_names_and_their_home_agree():
    from srntt import image, upscale

    assert srntt.Upscaler is upscale.Upscaler
    assert srntt.load is image.load


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'srntt' has no attribute 'Upscaller'"):
        srntt.Upscaller  # noqa: B018
