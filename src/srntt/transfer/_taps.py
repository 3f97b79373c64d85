"""Which reference blocks each output block of a swapped map is the mean of: identity (b)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from srntt._shapes import Float, Int64
from srntt.match import Match


@dataclass(frozen=True, eq=False)
class Taps:
    """Contributions to the blocks of a rectangle of query positions, ordered by position.

    Attributes:
        position: Block written to, numbered row by row within the rectangle.
        tap: Which of the patch's taps; for each of them a position occurs at most once.
        reference: Map read from.
        y: Row of the block read, in positions of the key map; may lie one outside it.
        x: Column of it.
        count: How many contributions each block of the rectangle has, 1 to 9 for 3x3 patches.
    """

    position: Int64[Tensor, " n"]
    tap: Int64[Tensor, " n"]
    reference: Int64[Tensor, " n"]
    y: Int64[Tensor, " n"]
    x: Int64[Tensor, " n"]
    count: Float[Tensor, " p"]


def taps_of(match: Match, patch: int, rows: range, columns: range) -> Taps:
    """The patches that cover each position: those centred up to ``patch // 2`` away.

    A patch centred at (i - dy, j - dx) puts its tap (dy, dx), the reference's block at
    ``match(i - dy, j - dx) + (dy, dx)``, onto (i, j). Positions in the match's frame are the centre of no patch.
    """
    reach = patch // 2
    frame = min(match.frame, reach)
    height, width = match.similarity.shape
    device = match.similarity.device
    i = torch.arange(rows.start, rows.stop, device=device)[:, None, None, None]
    j = torch.arange(columns.start, columns.stop, device=device)[:, None, None]
    dy = torch.arange(-reach, reach + 1, device=device)[:, None]
    dx = torch.arange(-reach, reach + 1, device=device)
    down, across = torch.broadcast_tensors(i - dy, j - dx)
    covered = (down >= frame) & (down < height - frame) & (across >= frame) & (across < width - frame)
    centre = (down.clamp(0, height - 1), across.clamp(0, width - 1))
    where = covered.flatten().nonzero()[:, 0]
    place = match.position[centre].long()
    taps = patch * patch
    return Taps(
        position=where // taps,
        tap=where % taps,
        reference=match.reference[centre].flatten()[where].long(),
        y=(place[..., 0] + dy).flatten()[where],
        x=(place[..., 1] + dx).flatten()[where],
        count=covered.flatten(2).sum(-1).flatten().float(),
    )
