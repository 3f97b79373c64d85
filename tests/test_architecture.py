"""The order of folders (pyproject.toml, `[tool.importlinter]`), and the house rules that a linter does not know."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import srntt

REPOSITORY = Path(__file__).parent.parent
SOURCE = REPOSITORY / "src" / "srntt"
FILES = sorted(SOURCE.rglob("*.py"))
FOLDERS = (
    "cli",
    "demo",
    "report",
    "video",
    "batch",
    "bench",
    "evaluate",
    "train",
    "upscale",
    "models",
    "weights",
    "library",
    "views",
    "transfer",
    "match",
    "features",
    "metrics",
    "data",
    "image",
    "memory",
)


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs import-linter in a folder, with this project's contract."""
    # First on the path, so that `srntt` is the one in the folder, not the one that is installed.
    code = f"import sys; sys.path.insert(0, {str(folder)!r}); from importlinter import cli; cli.lint_imports_command()"
    command = [sys.executable, "-c", code, "--config", str(REPOSITORY / "pyproject.toml"), "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def make_package(root: Path) -> Path:
    """An empty `srntt` with the folders of the real one."""
    for folder in FOLDERS:
        (root / "srntt" / folder).mkdir(parents=True)
        (root / "srntt" / folder / "__init__.py").touch()
    for module in (
        "__init__",
        "__main__",
        "_compile",
        "_defaults",
        "_numbers",
        "_failures",
        "_files",
        "_lock",
        "_onnx_runtime",
        "_safetensors",
        "_shapes",
        "_system",
        "errors",
    ):
        (root / "srntt" / f"{module}.py").touch()
    return root / "srntt"


def test_folders_follow_the_data():
    done = lint_imports(SOURCE.parent)
    assert done.returncode == 0, done.stdout + done.stderr


def test_contract_accepts_an_import_from_an_earlier_folder(tmp_path: Path):
    package = make_package(tmp_path)
    (package / "upscale" / "__init__.py").write_text("from srntt import match\nfrom srntt import errors\n")
    done = lint_imports(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("importer", "imported"), [("image", "features"), ("match", "upscale"), ("upscale", "train"), ("evaluate", "cli")]
)
def test_contract_refuses_an_import_from_a_later_folder(tmp_path: Path, importer: str, imported: str):
    package = make_package(tmp_path)
    (package / importer / "__init__.py").write_text(f"def late():\n    from srntt import {imported}\n")
    done = lint_imports(tmp_path)
    assert done.returncode == 1
    assert f"srntt.{importer} is not allowed to import srntt.{imported}" in done.stdout


def test_contract_refuses_a_folder_outside_the_line(tmp_path: Path):
    package = make_package(tmp_path)
    (package / "utils.py").touch()
    done = lint_imports(tmp_path)
    assert done.returncode == 1
    assert "utils" in done.stdout


def imports_of(path: Path) -> set[str]:
    """The modules that a file names in its import statements."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def test_annotations_stay_live():
    """Annotations made strings switch the shape checks off without a word."""
    assert [str(path) for path in FILES if "__future__" in imports_of(path)] == []


def test_development_packages_stay_out_of_the_library():
    development = {"jaxtyping", "beartype", "pytest", "hypothesis", "skimage", "torchvision"}
    named = {path.name for path in FILES if {name.split(".")[0] for name in imports_of(path)} & development}
    assert named == {"_shapes.py"}  # which does without jaxtyping where it is absent


def test_opencv_is_for_geometry_and_motion_alone():
    """Pictures are read, written and resized by image/; OpenCV's channel order and kernels are others."""
    users = [path for path in FILES if "cv2" in imports_of(path)]
    assert users
    assert {path.parent.name for path in users} == {"aligned", "library", "video"}


def test_the_package_under_test_is_this_one():
    assert Path(srntt.__file__).parent == SOURCE
