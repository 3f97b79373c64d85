"""Places of the small picture and the reference that a model's own descriptors match, where keypoints are too few."""

import numpy as np
import torch
from torch import Tensor

from srntt._shapes import Bool, Float, Int64
from srntt.views._nearest import in_steps, nearest

LEAST = 20  # different places that a plane stands on; unrelated pictures have fewer
MOST_POSITIONS = 2**18  # positions of a map; larger ones are not matched
_QUERIES = 2048
_PRODUCTS = 2**28  # at most: fewer queries for large references
_NEAR, _BEND = 8.0, 2.5  # positions: how far neighbours are, and by how much their displacements may differ
_NEIGHBOURS = 4  # of a match that must agree with it
_RETURN = 1  # positions by which the way there and back may miss its start


def dense_matches(
    query: Float[Tensor, "d h w"], contrast: Float[Tensor, "h w"], key: Float[Tensor, "d H W"]
) -> tuple[Float[np.ndarray, "n 2"], Float[np.ndarray, "n 2"]]:
    """Positions (x, y) of the query map and those of the key map whose unit descriptors match in both directions.

    Positions of high contrast are looked for, evenly spread; the same are found on any number of threads.
    """
    nothing = np.zeros((0, 2), np.float32)
    if max(query[0].numel(), key[0].numel()) > MOST_POSITIONS:
        return nothing, nothing
    queries, keys = (in_steps(whole.flatten(1)) for whole in (query, key))
    own = _chosen(contrast.flatten(), min(_QUERIES, _PRODUCTS // key[0].numel()))
    other = nearest(queries[:, own], keys)
    back = nearest(keys[:, other], queries)
    width = query.shape[2]
    missed = torch.maximum((back // width - own // width).abs(), (back % width - own % width).abs())
    held = missed <= _RETURN
    mine, theirs = _points(own[held], width), _points(other[held], key.shape[2])
    agreed = _agreed(mine, theirs)
    return mine[agreed], theirs[agreed]


def _chosen(contrast: Float[Tensor, " n"], most: int) -> Int64[Tensor, " k"]:
    half = torch.argsort(contrast, descending=True, stable=True)[: max(1, len(contrast) // 2)].sort().values
    return half[torch.linspace(0, len(half) - 1, min(most, len(half))).round().long()]


def _agreed(mine: Float[np.ndarray, "n 2"], theirs: Float[np.ndarray, "n 2"]) -> Bool[np.ndarray, " n"]:
    """Which matches have neighbours that moved about as far: of the others too many are wrong for an estimator."""
    near = _within(mine, _NEAR)
    return (near & _within(theirs - mine, _BEND)).sum(1) > _NEIGHBOURS


def _within(points: Float[np.ndarray, "n 2"], distance: float) -> Bool[np.ndarray, "n n"]:
    x, y = points.T
    return (x[:, None] - x) ** 2 + (y[:, None] - y) ** 2 <= distance**2


def _points(index: Int64[Tensor, " n"], width: int) -> Float[np.ndarray, "n 2"]:
    return torch.stack([index % width, index // width], 1).float().cpu().numpy()
