"""The architecture for spandrel: the same output as the model without references, loaded as spandrel loads."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from loading import load_module
from safetensors.torch import load_file
from torch import Tensor

from srntt.models import load_model

REPOSITORY = Path(__file__).parents[2]
WEIGHTS = REPOSITORY / "src" / "srntt" / "weights"
LIGHT = sorted(folder.name for folder in WEIGHTS.glob("lite-*"))


@pytest.fixture(scope="module")
def integration() -> Any:
    return load_module(REPOSITORY / "integrations" / "spandrel_srntt.py")


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """spandrel's interface, as far as an architecture uses it: detect, load, strict weights, clamped calls."""

    class Architecture:
        def __init__(self, *, id: str, detect: Any) -> None:
            self.id, self.detect = id, detect

    class ImageModelDescriptor:
        def __init__(self, model: Any, state_dict: dict[str, Tensor], **about: Any) -> None:
            required = {"architecture", "purpose", "tags", "supports_half", "supports_bfloat16", "scale"}
            assert set(about) == required | {"input_channels", "output_channels"}
            model.load_state_dict(state_dict)  # strict
            self.model, self.scale = model, about["scale"]

        def __call__(self, image: Tensor) -> Tensor:
            with torch.inference_mode():
                return self.model(image).clamp_(0, 1)

    registered: list[Any] = []
    stand_in = ModuleType("spandrel")
    names = {
        "Architecture": Architecture,
        "ImageModelDescriptor": ImageModelDescriptor,
        "ArchSupport": SimpleNamespace(from_architecture=lambda architecture: architecture),
        "MAIN_REGISTRY": SimpleNamespace(add=registered.append),
    }
    for name, value in names.items():
        setattr(stand_in, name, value)
    monkeypatch.setitem(sys.modules, "spandrel", stand_in)
    return registered


def state_dict(name: str) -> dict[str, Tensor]:
    return {key: tensor.float() for key, tensor in load_file(WEIGHTS / name / "model.safetensors").items()}


@pytest.mark.parametrize("name", LIGHT)
def test_its_output_is_that_of_the_model_without_references(integration: Any, registry: list[Any], name: str) -> None:
    integration.register()
    (architecture,) = registry
    assert architecture.detect(state_dict(name))
    loaded = architecture.load(state_dict(name))
    picture = torch.rand(1, 3, 13, 17, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = load_model(WEIGHTS / name).eval()(picture).clamp(0, 1)
    assert loaded.scale == 4
    torch.testing.assert_close(loaded(picture), expected, rtol=0, atol=1e-5)


def test_other_weights_are_not_taken_for_it(integration: Any) -> None:
    assert not integration.detect(state_dict("paper-rec"))
    with pytest.raises(ValueError, match="not the weights of a light model"):
        integration.build({"head.weight": torch.zeros(1)})


def test_it_needs_nothing_but_torch() -> None:
    source = (REPOSITORY / "integrations" / "spandrel_srntt.py").read_text(encoding="utf-8")
    imported = {line.split()[1].split(".")[0] for line in source.splitlines() if line.startswith(("import ", "from "))}
    assert imported == {"math", "collections", "typing", "torch"}
