"""Local matching of a view that is aligned with the query: each position searches around its own coordinates."""

import torch
from torch import Tensor

from srntt._shapes import Float
from srntt.match._match import Match


def local_match(query: Float[Tensor, "c h w"], key: Float[Tensor, "c H w"], *, top: int = 0, reach: int = 2) -> Match:
    """Find the best match of each position within a square window around the same coordinates of the key map.

    Ties are resolved to the position nearest to the centre of the window, then to the lowest (y, x).

    Args:
        query: Unit descriptors of a band of rows of the query.
        key: Unit descriptors of the whole view, on the grid of the query.
        top: First row of the band within the query.
        reach: Radius of the window, in positions.

    Returns:
        Matches at whole positions, with similarity in [-1, 1].
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
