"""What an import drags in: `import srntt` and `srntt --help` must answer before PyTorch could have been loaded.

And who may import what: the three circles of names in CONTRIBUTING.md.
"""

import ast
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import srntt

REPOSITORY = Path(__file__).parent.parent
SRC = REPOSITORY / "src" / "srntt"
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


def _imported(file: Path) -> Iterator[tuple[str, str]]:
    """(module, name) of whatever of srntt a file imports, wherever in it, and of what it names in a string."""
    text = file.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "srntt":
            yield from ((node.module or "", alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (tuple(alias.name.rpartition(".")[::2]) for alias in node.names if "." in alias.name)
    yield from re.findall(r"\b(srntt(?:\.\w+)+)\.(\w+)", text)


ROOMS = [file.parent for file in sorted(SRC.rglob("__init__.py")) if file.parent != SRC]
_USERS = [SRC, *(REPOSITORY / name for name in ("tests", "benchmarks", "docs", "examples", "runs"))]
_USED = [(file, *use) for folder in _USERS for file in folder.rglob("*.py") for use in _imported(file)]


def _module(folder: Path) -> str:
    return ".".join(("srntt", *folder.relative_to(SRC).parts))


@pytest.mark.parametrize("room", ROOMS, ids=_module)
def test_a_room_shares_only_what_others_take(room: Path):
    tree = ast.parse((room / "__init__.py").read_text(encoding="utf-8"))
    names = {alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    promised = set(getattr(importlib.import_module(_module(room)), "__all__", ()))
    outside = [(module, name) for file, module, name in _USED if not file.is_relative_to(room)]
    if tuple(_module(room).rpartition(".")[::2]) in outside:
        return  # taken as a whole
    taken = {name for module, name in outside if module == _module(room)}
    assert names - promised - taken == set()


def test_rooms_take_from_each_other_only_what_is_shared():
    across = {
        (str(file.relative_to(SRC)), module)
        for file, module, _ in _USED
        if file.is_relative_to(SRC) and re.fullmatch(r"srntt\.[a-z]\w*(\.\w+)*\._\w+", module)
        if not module.startswith(_module(SRC / file.relative_to(SRC).parts[0]) + ".")
    }
    assert across == set()


def test_tests_of_a_room_take_internals_of_no_other():
    """Whole modules they may take, to put something else in the place of a name."""
    tests = REPOSITORY / "tests"
    across = {
        (str(file.relative_to(tests)), module)
        for file, module, _ in _USED
        if file.is_relative_to(tests) and (SRC / file.relative_to(tests).parts[0]).is_dir()
        if re.fullmatch(r"srntt\.[a-z]\w*(\.\w+)*\._\w+", module)
        if module.split(".")[1] != file.relative_to(tests).parts[0]
    }
    assert across == set()
