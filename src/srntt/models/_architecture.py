"""What there is to know of an architecture: one descriptor each, in the table of `srntt.models._table`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from srntt.models._drive import Drive
from srntt.models._lesson import Lesson, Teaching


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
