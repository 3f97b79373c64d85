"""What matching finds: where each position of the LR grid lies in the references, and how well it fits there."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from srntt._shapes import Float, Int, Int64


class Window(NamedTuple):
    """Rows and columns of the LR grid that a tile is shown."""

    rows: slice
    columns: slice


@dataclass(frozen=True, eq=False)
class Match:
    """For each position its match, or several candidates for one.

    ``k`` stands for the leading axes: none as `dense_match` returns it; ``(k,)`` or ``(b, k)`` for k candidates.

    Attributes:
        reference: which of the encoded views (key maps).
        position: (y, x) on that view's LR grid; whole numbers at centres; fractions once refined.
        similarity: cosine of what was compared, in [-1, 1]; 0 where either of them is empty.
        evidence: whatever else the model keeps of a match, as channels; none for the paper's.
        frame: width of the frame whose positions have no match of their own and repeat that of the nearest position
            inside (1 for ``border="valid"`` with 3x3 patches, else 0). Nothing is pasted from there when textures are
            swapped, as in the released code.
    """

    reference: Int[Tensor, "*k h w"]
    position: Float[Tensor, "*k h w 2"]
    similarity: Float[Tensor, "*k h w"]
    evidence: Float[Tensor, "*k c h w"]
    frame: int = 0

    @classmethod
    def at(
        cls,
        reference: Int[Tensor, "*k h w"],
        y: Int64[Tensor, "*k h w"],
        x: Int64[Tensor, "*k h w"],
        similarity: Float[Tensor, "*k h w"],
        frame: int = 0,
    ) -> "Match":
        """A match at whole positions, without evidence."""
        shape = similarity.shape
        return cls(
            reference,
            torch.stack([y, x], -1).float(),
            similarity,
            similarity.new_empty(*shape[:-2], 0, *shape[-2:]),
            frame,
        )

    @classmethod
    def empty(cls, candidates: int, channels: int, size: tuple[int, int], device: torch.device) -> "Match":
        """Candidates to be filled by `offer`."""
        return cls(
            torch.empty(candidates, *size, dtype=torch.int16, device=device),
            torch.empty(candidates, *size, 2, device=device),
            torch.empty(candidates, *size, device=device),
            torch.empty(candidates, channels, *size, device=device),
        )

    @classmethod
    def stacked(cls, matches: Sequence["Match"]) -> "Match":
        """Matches of several pictures of one size as a batch."""
        return cls(
            *(torch.stack(each) for each in zip(*(m._maps for m in matches), strict=True)), frame=matches[0].frame
        )

    @property
    def y(self) -> Int64[Tensor, "*k h w"]:
        """Row of the centre of the matched patch."""
        return self.position[..., 0].long()

    @property
    def x(self) -> Int64[Tensor, "*k h w"]:
        """Column of it."""
        return self.position[..., 1].long()

    @property
    def bytes(self) -> int:
        """Memory that it takes."""
        return sum(tensor.nbytes for tensor in self._maps)

    def crop(self, window: Window) -> "Match":
        """A part of it; its edge is no frame."""
        reference, similarity, evidence = (x[..., *window] for x in (self.reference, self.similarity, self.evidence))
        return Match(reference, self.position[..., *window, :], similarity, evidence)

    def candidate(self, number: int) -> "Match":
        """One of the candidates."""
        return replace(self, **dict(zip(_NAMES, (x[number] for x in self._maps), strict=True)))

    def on(self, device: torch.device) -> "Match":
        """The same on a device."""
        return Match(*(x.to(device) for x in self._maps), frame=self.frame)

    def batched(self) -> "Match":
        """A batch of it alone."""
        return Match(*(x[None] for x in self._maps), frame=self.frame)

    def fill(self, rows: slice, part: "Match") -> None:
        """Put the matches of these rows in, in place."""
        for places, values in zip(self.crop(Window(rows, slice(None)))._maps, part._maps, strict=True):
            places.copy_(values)

    def offer(self, place: int, rows: slice, new: "Match", number: int | None = None) -> None:
        """Take in the matches of these rows in the next reference, in place.

        The twin of `keep_best` for a band of rows.

        Args:
            place: how many references were offered before.
            rows: of the whole.
            new: the matches.
            number: what ``reference`` is then; as many as were offered before, if None.
        """
        new = new._in(place if number is None else number)
        if place < len(self.similarity):
            self.candidate(place).fill(rows, new)
        else:
            self.fill(rows, _with(self.crop(Window(rows, slice(None))), new))

    @classmethod
    def joined(cls, parts: Sequence["Match"]) -> "Match":
        """The candidates of all, behind each other."""
        if len(parts) == 1:
            return parts[0]
        each = zip(*(part._maps for part in parts), _BEHIND, strict=False)
        return cls(*(torch.cat(maps, -1 - behind) for *maps, behind in each), frame=0)

    def _in(self, number: int) -> "Match":
        return replace(self, reference=torch.full_like(self.reference, number))

    @property
    def _maps(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        return self.reference, self.position, self.similarity, self.evidence


_NAMES = ("reference", "position", "similarity", "evidence")
_BEHIND = (2, 3, 2, 3)  # axes of each map behind those of the candidates


def keep_best(matches: Sequence[Match], candidates: int, numbers: Sequence[int] | None = None) -> Match:
    """Of matches in several references, one map each, the most similar at each position.

    Candidates keep their places, so that the matches of a reference stay one map. Where all places are taken, at each
    position the next reference's takes that of the least similar one, if it is more similar. Differentiable.

    Args:
        matches: in each reference, all over the same LR grid.
        candidates: for each position, at most.
        numbers: what ``reference`` of each is in the result; its place in the list, if None.
    """
    numbers = range(len(matches)) if numbers is None else numbers
    each = [match._in(number) for number, match in zip(numbers, matches, strict=True)]
    first = zip(*(match._maps for match in each[:candidates]), strict=True)
    kept = Match(*(torch.stack(maps, -1 - behind) for maps, behind in zip(first, _BEHIND, strict=True)), frame=0)
    for new in each[candidates:]:
        kept = _with(kept, new)
    return kept


def _with(kept: Match, new: Match) -> Match:
    """With a new match in place of the least similar candidate, where it is more similar than that."""
    count = kept.similarity.shape[-3]
    least = kept.similarity.argmin(-3, keepdim=True)
    better = new.similarity.unsqueeze(-3) > kept.similarity.take_along_dim(least, -3)
    taken = (torch.arange(count, device=least.device)[:, None, None] == least) & better
    masks = (taken, taken[..., None], taken, taken.unsqueeze(-3))
    each = zip(kept._maps, new._maps, masks, _BEHIND, strict=True)
    whole = (torch.where(mask, one.unsqueeze(-1 - axes).to(old.dtype), old) for old, one, mask, axes in each)
    return Match(*whole, frame=0)
