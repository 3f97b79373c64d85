"""No public name disappears unnoticed: tests/api_surface.json is the list, and changing it is a decision.

After a change that is meant: ``python tests/test_api_surface.py``, and a line in CHANGELOG.md.
"""

import importlib
import json
from pathlib import Path

import pytest

SURFACE = Path(__file__).with_name("api_surface.json")
MODULES = (
    "srntt",
    "srntt.image",
    "srntt.features",
    "srntt.match",
    "srntt.transfer",
    "srntt.metrics",
    "srntt.data",
    "srntt.memory",
    "srntt.views",
    "srntt.weights",
    "srntt.models",
    "srntt.models.lite",
    "srntt.models.paper",
    "srntt.upscale",
    "srntt.train",
    "srntt.bench",
    "srntt.evaluate",
    "srntt.batch",
    "srntt.report",
    "srntt.demo",
    "srntt.cli",
    "srntt.errors",
)


def public_names(module: str) -> list[str]:
    loaded = importlib.import_module(module)
    if module == "srntt.errors":
        return sorted(name for name, value in vars(loaded).items() if isinstance(value, type))
    return sorted(getattr(loaded, "__all__", ()))


@pytest.mark.parametrize("module", MODULES)
def test_public_names_are_as_recorded(module: str):
    recorded = set(json.loads(SURFACE.read_text(encoding="utf-8")).get(module, ()))
    present = set(public_names(module))
    assert not recorded - present, f"{module} lost {sorted(recorded - present)}: see the top of this file"
    assert not present - recorded, f"{module} gained {sorted(present - recorded)}: see the top of this file"


@pytest.mark.parametrize("module", MODULES)
def test_recorded_names_exist(module: str):
    loaded = importlib.import_module(module)
    assert [name for name in public_names(module) if not hasattr(loaded, name)] == []


if __name__ == "__main__":
    surface = {module: public_names(module) for module in MODULES}
    SURFACE.write_text(json.dumps(surface, indent=2) + "\n", encoding="utf-8")
