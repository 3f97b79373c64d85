"""Where each LR position lies in the references."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from srntt._shapes import Float, Int


class View(NamedTuple):
    """Rows and columns of the LR picture that a tile is shown."""

    rows: slice
    columns: slice


@dataclass(frozen=True, eq=False)
class Field:
    """k candidates for each LR position.

    Attributes:
        reference: which.
        position: (y, x) on that reference's LR grid, whole numbers at centres.
        similarity: cosine of the match.
        extra: whatever else the kind of model keeps for a candidate, as channels.
        frame: width of the picture's frame whose positions have no match of their own and repeat their neighbour's.
    """

    reference: Int[Tensor, "k h w"]
    position: Float[Tensor, "k h w 2"]
    similarity: Float[Tensor, "k h w"]
    extra: Float[Tensor, "k c h w"]
    frame: int = 0

    @classmethod
    def empty(cls, candidates: int, channels: int, size: tuple[int, int], device: torch.device) -> "Field":
        """One to be filled by `offer`."""
        return cls(
            torch.empty(candidates, *size, dtype=torch.int16, device=device),
            torch.empty(candidates, *size, 2, device=device),
            torch.empty(candidates, *size, device=device),
            torch.empty(candidates, channels, *size, device=device),
        )

    def crop(self, view: View) -> "Field":
        """A part of it."""
        reference, position, similarity = (x[:, *view] for x in (self.reference, self.position, self.similarity))
        return Field(reference, position, similarity, self.extra[:, :, *view])  # a part's edge is no frame

    def on(self, device: torch.device) -> "Field":
        """The same on a device."""
        moved = (tensor.to(device) for tensor in (self.reference, self.position, self.similarity, self.extra))
        return Field(*moved, frame=self.frame)

    def offer(self, number: int, rows: slice, new: "Field") -> None:
        """Take in the one candidate of another for these rows, as the ``number``-th that they are offered.

        Candidates keep their places, so that the matches of a reference stay one map. Where all places are taken, at
        each position the new candidate takes that of the least similar one, if it is more similar.
        """
        count = len(self.similarity)
        own = self.crop(View(rows, slice(None)))
        pairs = [(own.reference, new.reference), (own.position, new.position), (own.similarity, new.similarity),
                 (own.extra, new.extra)]  # fmt: skip
        if number < count:
            for places, values in pairs:
                places[number] = values[0]
            return
        least = own.similarity.argmin(0, keepdim=True)
        better = new.similarity > own.similarity.take_along_dim(least, 0)
        taken = (torch.arange(count, device=least.device)[:, None, None] == least) & better
        for (places, values), mask in zip(pairs, (taken, taken[..., None], taken, taken[:, None]), strict=True):
            places.copy_(torch.where(mask, values, places))
