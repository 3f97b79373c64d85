"""Result of matching: the corresponding position in the references for each position of the LR grid."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from srntt._shapes import Float, Int, Int64


class Window(NamedTuple):
    """Rows and columns of the LR grid that a tile covers, including its halo."""

    rows: slice
    columns: slice


@dataclass(frozen=True, eq=False)
class Match:
    """Match of each position of the LR grid, or several candidates for each.

    ``*k`` are leading axes: none for the result of `dense_match`, ``(k,)`` or ``(b, k)`` for k candidates.

    Attributes:
        reference: Index of the encoded view (key map).
        position: (y, x) on the LR grid of that view: whole numbers, fractional after refinement.
        similarity: Cosine of the matched patches, in [-1, 1]; 0 if either is zero.
        evidence: Further channels that a model keeps of each match; none in the paper's model.
        frame: Width of the frame whose positions repeat the match of the nearest position inside (1 for
            ``border="valid"`` with 3x3 patches, otherwise 0). Swapping does not paste patches centred there, as in the
            released code.
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
        """Create a match at whole positions, without evidence."""
        *leading, height, width = similarity.shape
        evidence = similarity.new_empty(*leading, 0, height, width)
        return cls(reference, torch.stack([y, x], -1).float(), similarity, evidence, frame)

    @classmethod
    def empty(cls, candidates: int, channels: int, size: tuple[int, int], device: torch.device) -> "Match":
        """Create a match with unfilled candidates, to be filled by `offer`."""
        return cls(
            torch.empty(candidates, *size, dtype=torch.int16, device=device),
            torch.empty(candidates, *size, 2, device=device),
            torch.empty(candidates, *size, device=device),
            torch.empty(candidates, channels, *size, device=device),
        )

    @classmethod
    def stacked(cls, matches: Sequence["Match"]) -> "Match":
        """Stack the matches of several pictures of the same size to a batch."""
        each = zip(*(match._maps for match in matches), strict=True)
        return cls(*map(torch.stack, each), frame=matches[0].frame)

    @property
    def y(self) -> Int64[Tensor, "*k h w"]:
        """Row of the centre of the matched patch."""
        return self.position[..., 0].long()

    @property
    def x(self) -> Int64[Tensor, "*k h w"]:
        """Column of the centre of the matched patch."""
        return self.position[..., 1].long()

    @property
    def bytes(self) -> int:
        """Size in memory, in bytes."""
        return sum(tensor.nbytes for tensor in self._maps)

    def crop(self, window: Window) -> "Match":
        """Return the part within a window, without a frame."""
        reference, similarity, evidence = (x[..., *window] for x in (self.reference, self.similarity, self.evidence))
        return Match(reference, self.position[..., *window, :], similarity, evidence)

    def reshaped(self, height: int, width: int) -> "Match":
        """Return the same matches, without leading axes, in rows of another width."""
        size = height, width
        evidence = self.evidence.reshape(len(self.evidence), *size)
        position = self.position.reshape(*size, 2)
        return Match(self.reference.reshape(size), position, self.similarity.reshape(size), evidence, self.frame)

    def candidate(self, number: int) -> "Match":
        """Return one of the candidates."""
        return Match(*(x[number] for x in self._maps), frame=self.frame)

    def on(self, device: torch.device) -> "Match":
        """Return a copy on a device."""
        return Match(*(x.to(device) for x in self._maps), frame=self.frame)

    def batched(self) -> "Match":
        """Return this match as a batch of one."""
        return Match(*(x[None] for x in self._maps), frame=self.frame)

    def fill(self, rows: slice, part: "Match") -> None:
        """Set the matches of these rows, in place."""
        for places, values in zip(self.crop(Window(rows, slice(None)))._maps, part._maps, strict=True):
            places.copy_(values)

    def offer(self, place: int, rows: slice, new: "Match", number: int | None = None) -> None:
        """Merge the matches of these rows with the next reference into the candidates, in place.

        Equivalent to `keep_best`, for a band of rows.

        Args:
            place: Number of references merged before.
            rows: Rows of the LR grid.
            new: Matches of these rows.
            number: Value of ``reference`` for these matches; `place` if None.
        """
        new = new._in(place if number is None else number)
        if place < len(self.similarity):
            self.candidate(place).fill(rows, new)
        else:
            self.fill(rows, _with(self.crop(Window(rows, slice(None))), new))

    @classmethod
    def joined(cls, parts: Sequence["Match"]) -> "Match":
        """Concatenate the candidates of several matches."""
        if len(parts) == 1:
            return parts[0]
        each = zip(*(part._maps for part in parts), _BEHIND, strict=False)
        return cls(*(torch.cat(maps, -1 - behind) for *maps, behind in each), frame=0)

    def _in(self, number: int) -> "Match":
        return replace(self, reference=torch.full_like(self.reference, number))

    @property
    def _maps(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        return self.reference, self.position, self.similarity, self.evidence


_BEHIND = (2, 3, 2, 3)  # trailing axes of each map, after those of the candidates


def keep_best(matches: Sequence[Match], candidates: int, numbers: Sequence[int] | None = None) -> Match:
    """Keep the most similar of the matches in several references, at each position. Differentiable.

    The first `candidates` references fill one slot each, so that the matches of a reference stay in one map. At each
    position, a match of a later reference replaces the least similar candidate if it is more similar.

    Args:
        matches: Match in each reference, all on the same LR grid.
        candidates: Maximum number of candidates for each position.
        numbers: Value of ``reference`` for each of `matches`; its index in the list if None.
    """
    numbers = range(len(matches)) if numbers is None else numbers
    each = [match._in(number) for number, match in zip(numbers, matches, strict=True)]
    first = zip(*(match._maps for match in each[:candidates]), strict=True)
    kept = Match(*(torch.stack(maps, -1 - behind) for maps, behind in zip(first, _BEHIND, strict=True)), frame=0)
    for new in each[candidates:]:
        kept = _with(kept, new)
    return kept


def _with(kept: Match, new: Match) -> Match:
    """Replace the least similar candidate by a new match where the new one is more similar."""
    count = kept.similarity.shape[-3]
    least = kept.similarity.argmin(-3, keepdim=True)
    better = new.similarity.unsqueeze(-3) > kept.similarity.take_along_dim(least, -3)
    taken = (torch.arange(count, device=least.device)[:, None, None] == least) & better
    masks = (taken, taken[..., None], taken, taken.unsqueeze(-3))
    each = zip(kept._maps, new._maps, masks, _BEHIND, strict=True)
    whole = (torch.where(mask, one.unsqueeze(-1 - axes).to(old.dtype), old) for old, one, mask, axes in each)
    return Match(*whole, frame=0)
