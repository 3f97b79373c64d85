"""What a step of training results in, for any architecture."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from torch import Tensor, nn

from srntt._shapes import Float
from srntt.data import Pairs
from srntt.transfer import SwappedMaps


@dataclass(frozen=True)
class Teaching:
    """What a recipe says of how a network is taught.

    Attributes:
        frozen: leave the matching unchanged.
        perfect: show the network the target's own maps, too.
        transfer_begins: step at which the transfer begins as what was learnt without references; None: it does not.
        cache: folder for what is made once of ready-made pairs, or None.
    """

    frozen: bool = False
    perfect: bool = False
    transfer_begins: int | None = None
    cache: Path | None = None


@dataclass(frozen=True, eq=False)
class Outcome:
    """Outputs and what they are held against.

    Attributes:
        output: RGB in about [0, 1].
        target: what it should be.
        low_res: what it was made from.
        terms: losses that belong to the kind of model.
        swapped: maps that the output's texture came from, if the model has such.
        similarity: of the matches that brought them.
        metrics: figures for the log.
    """

    output: Float[Tensor, "n 3 H W"]
    target: Float[Tensor, "n 3 H W"]
    low_res: Float[Tensor, "n 3 h w"]
    terms: dict[str, Tensor] = field(default_factory=dict)
    swapped: SwappedMaps | None = None
    similarity: Float[Tensor, "n 1 h w"] | None = None
    metrics: dict[str, float] = field(default_factory=dict)


@runtime_checkable
class Lesson(Protocol):
    """How a kind of model is trained."""

    @property
    def model(self) -> nn.Module:
        """What learns."""
        ...

    def prepare(self, step: int, networks: Sequence[nn.Module]) -> None:
        """What is to be done before a step, for the model and its moving average."""
        ...

    def run(self, pairs: Pairs, with_references: bool) -> Outcome:
        """Forward a batch, with its references or without."""
        ...
