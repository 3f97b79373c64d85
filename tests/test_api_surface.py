"""No public name disappears unnoticed: tests/api_surface.json is the list, and changing it is a decision.

Public is what the API pages document (docs/api*.md): the names in ``__all__`` of the modules listed there.
After an intended change: ``python tests/test_api_surface.py``, and a line in CHANGELOG.md.
"""

import importlib
import json
import pkgutil
import re
from pathlib import Path

import pytest

import srntt

SURFACE = Path(__file__).with_name("api_surface.json")
_PAGES = sorted((Path(__file__).parent.parent / "docs").glob("api*.md"))
DOCUMENTED = [
    module for page in _PAGES for module in re.findall(r"automodule:: (\S+)", page.read_text(encoding="utf-8"))
]
MODULES = ("srntt", *DOCUMENTED)


def public_names(module: str) -> list[str]:
    loaded = importlib.import_module(module)
    if module == "srntt.errors":
        return sorted(name for name, value in vars(loaded).items() if isinstance(value, type))
    return sorted(loaded.__all__)


@pytest.mark.parametrize("module", MODULES)
def test_public_names_are_as_recorded(module: str):
    recorded = set(json.loads(SURFACE.read_text(encoding="utf-8")).get(module, ()))
    present = set(public_names(module))
    assert not recorded - present, f"{module} lost {sorted(recorded - present)}: see the top of this file"
    assert not present - recorded, f"{module} gained {sorted(present - recorded)}: see the top of this file"


def test_no_module_is_recorded_that_is_not_documented():
    assert set(json.loads(SURFACE.read_text(encoding="utf-8"))) == set(MODULES)


@pytest.mark.parametrize("module", MODULES)
def test_public_names_exist_and_say_what_they_are(module: str):
    loaded = importlib.import_module(module)
    for name in public_names(module):
        thing = getattr(loaded, name)  # raises for a name that is not there
        assert not callable(thing) or thing.__doc__, f"{module}.{name} has no docstring"


def test_whoever_promises_names_is_documented():
    """A room whose names are for other rooms alone has no ``__all__``."""
    rooms = [
        found.name
        for found in pkgutil.walk_packages(srntt.__path__, "srntt.")
        if found.ispkg and not any(part.startswith("_") for part in found.name.split("."))
    ]
    promising = [room for room in rooms if hasattr(importlib.import_module(room), "__all__")]
    assert sorted(promising) == sorted(set(DOCUMENTED) - {"srntt.errors"})


if __name__ == "__main__":
    surface = {module: public_names(module) for module in MODULES}
    SURFACE.write_text(json.dumps(surface, indent=2) + "\n", encoding="utf-8")
