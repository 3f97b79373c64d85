"""What the engine asks of a kind of model, and what they tell each other."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor

from srntt._shapes import Float, Int64
from srntt.match import Matcher
from srntt.upscale._references import EncodedReference

Progress = Callable[[str, int, int], None]
"""Called with the name of a stage, how much of it is done, and of how much."""


@dataclass(frozen=True, eq=False)
class Field:
    """Where each LR position lies in the references: k candidates.

    Attributes:
        reference: which.
        position: (y, x) on that reference's LR grid, whole numbers at centres.
        similarity: cosine of the match.
        extra: whatever else the kind of model keeps for a candidate, as channels.
        frame: width of the picture's frame whose positions have no match of their own and repeat their neighbour's.
    """

    reference: Int64[Tensor, "k h w"]
    position: Float[Tensor, "k h w 2"]
    similarity: Float[Tensor, "k h w"]
    extra: Float[Tensor, "k c h w"]
    frame: int = 0

    def crop(self, view: "View") -> "Field":
        """A part of it."""
        reference, position, similarity = (x[:, *view] for x in (self.reference, self.position, self.similarity))
        return Field(reference, position, similarity, self.extra[:, :, *view])  # a part's edge is no frame

    def on(self, device: torch.device) -> "Field":
        """The same on a device."""
        moved = (tensor.to(device) for tensor in (self.reference, self.position, self.similarity, self.extra))
        return Field(*moved, frame=self.frame)

    def joined_with(self, other: "Field", count: int) -> "Field":
        """With the one candidate of another; ``count`` at most.

        Candidates keep their places, so that the matches of a reference stay one map. Where all places are taken, at
        each position the new candidate takes that of the least similar one, if it is more similar.
        """
        own, new = ((x.reference, x.position, x.similarity, x.extra) for x in (self, other))
        if len(self.similarity) < count:
            return Field(*(torch.cat(both) for both in zip(own, new, strict=True)), frame=self.frame)
        least = self.similarity.argmin(0, keepdim=True)
        better = other.similarity > self.similarity.take_along_dim(least, 0)
        places = torch.arange(count, device=least.device)[:, None, None]
        taken = (places == least) & better
        masks = (taken, taken[..., None], taken, taken[:, None])
        return Field(*map(torch.where, masks, new, own), frame=self.frame)


class View(NamedTuple):
    """Rows and columns of the LR picture that a tile is shown."""

    rows: slice
    columns: slice


@dataclass(frozen=True, eq=False)
class Rendered:
    """A tile's output, and for each LR position how much of what the model added there came through each candidate."""

    image: Float[Tensor, "3 H W"]
    share: Float[Tensor, "k h w"] | None


@dataclass(frozen=True)
class Appetite:
    """Memory that a kind of model takes, in bytes, beside what the process holds.

    Measured, not derived (``benchmarks/memory.py``), and rounded up.

    Attributes:
        encode: transient, for each HR pixel of a reference band.
        encoded: lasting, for each HR pixel of a reference.
        match: transient, for each LR pixel of a matched band of rows.
    fast: transient, for each LR pixel of the input while the fast matcher runs, beside ``fast_match_bytes``: what
        is matched, and the matches.
        matched: lasting, for each LR pixel of the input.
        render: transient, for each LR pixel of a tile with its halo.
        fixed: transient, whatever the size.
    """

    encode: int
    encoded: int
    match: int
    fast: int
    matched: int
    render: int
    fixed: int


@runtime_checkable
class Method(Protocol):
    """A kind of model, as the engine drives it. Everything is on the model's device but what the names say."""

    scale: int
    halo: int
    appetite: Appetite

    #: Side of the patches that are matched, and the map of a reference that they are matched in.
    patch: int
    key: str

    #: HR rows above and below a band of a reference that ``encode`` wants to see; a multiple of ``scale``.
    context: int

    def encode(self, band: Float[Tensor, "3 H W"]) -> dict[str, Float[Tensor, "c _ _"]]:
        """Maps of a band of a reference, context included, each at a scale of its own."""
        ...

    def match(
        self,
        low_res: Float[Tensor, "3 h w"],
        references: list[EncodedReference],
        band: int,
        matcher: Matcher,
        progress: Progress,
    ) -> Field:
        """Match a whole picture, ``band`` rows at a time.

        Fast matching has only what is matched made in bands: a tree of the keys is worth its making once.
        """
        ...

    def render(
        self, low_res: Float[Tensor, "3 h w"], field: Field | None, view: View, references: list[EncodedReference]
    ) -> Rendered:
        """Upscale what is in view; without a field, from the picture alone.

        Args:
            low_res: the whole picture, on the CPU.
            field: of the whole picture.
            view: rows and columns to upscale.
            references: what the field points into.
        """
        ...
