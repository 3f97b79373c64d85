"""Every architecture that a model file or a recipe may name. A new one is a folder and a line here."""

from typing import Any

import torch
from torch import nn

from srntt.errors import InputError, ModelError
from srntt.models._architecture import Architecture
from srntt.models._drive import Drive
from srntt.models.lite._architecture import LITE
from srntt.models.paper._architecture import CONTENT_EXTRACTOR, PAPER

ARCHITECTURES: dict[str, Architecture] = {
    "lite": LITE,
    "paper": PAPER,
    "content-extractor": CONTENT_EXTRACTOR,
}


def architecture_of(model: nn.Module) -> Architecture:
    """The architecture of a network.

    Raises:
        InputError: it is of none.
    """
    for architecture in ARCHITECTURES.values():
        if type(model) is architecture.network:
            return architecture
    raise InputError(f"{type(model).__name__} is of no architecture; there are {', '.join(ARCHITECTURES)}.")


def drive_model(model: nn.Module, device: torch.device) -> Drive:
    """A network as the engine drives it, on a device.

    Raises:
        InputError: it is of no architecture.
        ModelError: of one that does not upscale with references.
    """
    architecture = architecture_of(model)
    if architecture.drive is None:
        able = ", ".join(name for name, one in ARCHITECTURES.items() if one.drive)
        raise ModelError(f"A model of architecture {architecture.name} does not upscale on its own; these do: {able}.")
    return architecture.drive(model, device)


def export_model(model: nn.Module, *given: Any, **options: Any) -> Any:
    """Write a model as ONNX, with the arguments of its architecture's ``export``.

    Raises:
        InputError: its architecture has none.
    """
    architecture = architecture_of(model)
    if architecture.export is None:
        able = ", ".join(name for name, one in ARCHITECTURES.items() if one.export)
        raise InputError(f"ONNX export takes a model of architecture {able}, not {architecture.name}.")
    return architecture.export(model, *given, **options)
