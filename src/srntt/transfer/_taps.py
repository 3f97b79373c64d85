"""Source blocks of each output block of a swapped map: identity (b)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from srntt._shapes import Float, Int64
from srntt.match import Match


@dataclass(frozen=True, eq=False)
class Taps:
    """Source blocks averaged into each block of a rectangle of query positions, ordered by position.

    Attributes:
        position: Output block, numbered row by row within the rectangle.
        tap: Index within the patch; each position occurs at most once per tap.
        reference: Index of the source map.
        y: Row of the source block, in positions of the key map; may lie one outside it.
        x: Column of the source block.
        count: Number of sources of each output block, 1 to 9 for 3x3 patches.
    """

    position: Int64[Tensor, " n"]
    tap: Int64[Tensor, " n"]
    reference: Int64[Tensor, " n"]
    y: Int64[Tensor, " n"]
    x: Int64[Tensor, " n"]
    count: Float[Tensor, " p"]


def taps_of(match: Match, patch: int, rows: range, columns: range) -> Taps:
    """List the sources of each position: the patches centred up to ``patch // 2`` away.

    The patch centred at (i - dy, j - dx) contributes its tap (dy, dx), the reference block at
    ``match(i - dy, j - dx) + (dy, dx)``, to (i, j). Positions in the frame of the match are not patch centres.
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
