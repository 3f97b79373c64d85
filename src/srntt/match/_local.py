"""Matching of a view that lies in the frame of the query: each position looks around its own place alone."""

import torch
from torch import Tensor

from srntt._shapes import Float
from srntt.match._match import Match


def local_match(query: Float[Tensor, "c h w"], key: Float[Tensor, "c H w"], *, top: int = 0, reach: int = 2) -> Match:
    """The best match of each position within a square around the same place of the key map.

    Ties go to the place nearest to the position's own, then to the lowest (y, x).

    Args:
        query: unit descriptors; a band of rows of the whole.
        key: unit descriptors of the whole view, whose grid is the query's.
        top: row of the whole with which the band begins.
        reach: positions to each side.

    Returns:
        Whole positions in the key map; similarity -1 .. 1.
    """
    _, height, width = query.shape
    offsets = sorted(
        ((dy, dx) for dy in range(-reach, reach + 1) for dx in range(-reach, reach + 1)),
        key=lambda step: (step[0] ** 2 + step[1] ** 2, step),
    )
    best = query.new_full((height, width), -torch.inf)
    own = torch.meshgrid(
        torch.arange(top, top + height, device=query.device), torch.arange(width, device=query.device), indexing="ij"
    )
    y, x = (place.clone() for place in own)
    for dy, dx in offsets:
        rows = slice(max(0, -top - dy), min(height, key.shape[1] - top - dy))
        columns = slice(max(0, -dx), min(width, width - dx))
        if rows.start >= rows.stop or columns.start >= columns.stop:
            continue
        moved = key[:, top + rows.start + dy : top + rows.stop + dy, columns.start + dx : columns.stop + dx]
        cosine = (query[:, rows, columns] * moved).sum(0)
        better = cosine > best[rows, columns]
        best[rows, columns] = torch.where(better, cosine, best[rows, columns])
        for place, at, step in ((y, own[0], dy), (x, own[1], dx)):
            place[rows, columns] = torch.where(better, at[rows, columns] + step, place[rows, columns])
    return Match.at(torch.zeros_like(y), y, x, best.clamp(-1, 1))
