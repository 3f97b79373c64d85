"""Every architecture that a model file or a recipe may name. A new one is a folder and a row of the table here."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from srntt.errors import InputError, ModelError
from srntt.models._drive import Drive
from srntt.models._lesson import Lesson, Teaching
from srntt.models.lite._config import LiteConfig
from srntt.models.lite._drive import LiteDrive
from srntt.models.lite._network import Lite
from srntt.models.lite._teach import LiteLesson
from srntt.models.paper._content_extractor import ContentExtractor, ContentExtractorConfig
from srntt.models.paper._drive import PaperDrive
from srntt.models.paper._network import PaperConfig, PaperSRNTT
from srntt.models.paper._teach import PaperLesson


@dataclass(frozen=True)
class Architecture:
    """A kind of network, and what can be done with it.

    Attributes:
        name: in model files and recipes.
        config: a frozen dataclass of int, float, bool, str and Literal fields whose ``__post_init__`` bounds what would
            cost memory.
        network: built from a config, which it keeps as ``config``; a differentiable callable
            ``network(low_res, references)`` made of steps.
        drive: its steps in bands and tiles, for the engine; None for a network that does not upscale with references.
        teach: how it is trained; None for one that is trained as a part of another.
        export: writes it as ONNX, with the arguments of `srntt.models.lite.onnx.export_onnx`; imports what that needs.
        added: config keys that older model files lack; there they have their defaults.
    """

    name: str
    config: type
    network: type[nn.Module]
    drive: Callable[[Any, torch.device], Drive] | None = None
    teach: Callable[[Any, Teaching], Lesson] | None = None
    export: Callable[..., Any] | None = None
    added: frozenset[str] = frozenset()


def _export_lite(*given: Any, **options: Any) -> Any:
    from srntt.models.lite.onnx import export_onnx

    return export_onnx(*given, **options)


_ADDED = frozenset({"scale", "base", "candidates", "agreement"})
ARCHITECTURES = {
    row.name: row
    for row in (
        Architecture("lite", LiteConfig, Lite, LiteDrive, LiteLesson, _export_lite, _ADDED),
        Architecture("paper", PaperConfig, PaperSRNTT, PaperDrive, PaperLesson),
        Architecture("content-extractor", ContentExtractorConfig, ContentExtractor),
    )
}


def architecture_of(model: nn.Module) -> Architecture:
    """The architecture of a network; InputError if it is of none."""
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
