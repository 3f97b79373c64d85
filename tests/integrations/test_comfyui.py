"""The ComfyUI node under its contract: declared inputs are arguments, images are float (batch, h, w, channels)."""

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from loading import load_module
from tiny import tiny_network

from srntt import Upscaler
from srntt.models import list_models

FILE = Path(__file__).parents[2] / "integrations" / "comfyui_srntt.py"


@pytest.fixture
def nodes(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module as ComfyUI imports it, with a small model in place of the shipped ones."""
    module = load_module(FILE)
    small = tiny_network()
    monkeypatch.setattr(module, "_upscaler", lambda model, align: Upscaler(small, device="cpu"))
    return module


def test_declared_inputs_are_arguments_and_types_are_known(nodes: Any) -> None:
    assert set(nodes.NODE_CLASS_MAPPINGS) == set(nodes.NODE_DISPLAY_NAME_MAPPINGS)
    for node in nodes.NODE_CLASS_MAPPINGS.values():
        inputs = node.INPUT_TYPES()
        arguments = inspect.signature(getattr(node, node.FUNCTION)).parameters
        assert set(inputs["required"]) | set(inputs["optional"]) == set(arguments) - {"self"}
        assert len(node.RETURN_TYPES) == len(node.RETURN_NAMES)
        assert set(node.RETURN_TYPES) <= {"IMAGE", "MASK"}
        for kind, *options in (*inputs["required"].values(), *inputs["optional"].values()):
            assert kind == "IMAGE" or options[0]["default"] in kind


def test_it_offers_every_shipped_model(nodes: Any) -> None:
    assert set(nodes.MODELS) == {model["name"] for model in list_models()}


@pytest.mark.usefixtures("searched_everywhere")
def test_a_batch_is_enlarged_with_the_same_references(nodes: Any) -> None:
    node = nodes.NODE_CLASS_MAPPINGS["SRNTTUpscale"]()
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(2, 12, 16, 3, generator=generator)
    sharp, other = (torch.rand(1, 64, size, 3, generator=generator) for size in (64, 80))
    pictures, share = node.upscale(images, references=sharp, more_references=other)
    assert (pictures.shape, pictures.dtype) == ((2, 48, 64, 3), torch.float32)
    assert 0 <= float(pictures.min()) <= float(pictures.max()) <= 1
    assert share.shape == (2, 48, 64)
    assert 0 < float(share.max()) <= 1

    upscaler = nodes._upscaler("lite-rec", "auto")
    encoded = upscaler.encode_references([one[0].movedim(-1, 0) for one in (sharp, other)])
    alone = upscaler.upscale(images[1].movedim(-1, 0), encoded)
    np.testing.assert_array_equal(pictures[1].movedim(-1, 0), alone.tensor)


def test_without_references_nothing_is_shared(nodes: Any) -> None:
    node = nodes.NODE_CLASS_MAPPINGS["SRNTTUpscale"]()
    pictures, share = node.upscale(torch.rand(1, 12, 16, 4))  # an alpha channel is ignored
    assert pictures.shape == (1, 48, 64, 3)
    assert not share.any()
