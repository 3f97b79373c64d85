"""Fills transparent pixels with the colour of the nearest visible pixel."""

from typing import no_type_check

import numpy as np

from srntt._compile import compiled
from srntt._shapes import Bool, Shaped


def bleed(color: Shaped[np.ndarray, "h w c"], visible: Bool[np.ndarray, "h w"]) -> Shaped[np.ndarray, "h w c"]:
    """Gives every invisible pixel the colour of the nearest visible one (Euclidean; ties: lowest column, then row).

    Exact, in linear time: the nearest row in each column, then the lower envelope of one parabola per column
    (Felzenszwalb and Huttenlocher, "Distance Transforms of Sampled Functions", 2012). Returns a new array, equal to
    ``color`` where nothing is visible at all.
    """
    filled = color.copy()
    if visible.any() and not visible.all():
        _fill(filled, visible, _nearest_row(visible))
    return filled


@compiled
@no_type_check
def _nearest_row(visible):
    height, width = visible.shape
    nearest = np.full((height, width), -1, np.int32)
    for x in range(width):
        last = -1
        for y in range(height):
            if visible[y, x]:
                last = y
            nearest[y, x] = last
        last = -1
        for y in range(height - 1, -1, -1):
            if visible[y, x]:
                last = y
            if last >= 0 and (nearest[y, x] < 0 or last - y < y - nearest[y, x]):
                nearest[y, x] = last
    return nearest


@compiled
@no_type_check
def _fill(filled, visible, nearest):
    height, width = visible.shape
    apex = np.empty(width, np.int64)  # columns whose parabolas make up the envelope
    start = np.empty(width + 1, np.float64)  # where each of them begins
    for y in range(height):
        count = 0
        for x in range(width):
            if nearest[y, x] < 0:
                continue
            rise = (nearest[y, x] - y) ** 2 + x * x
            while count > 0:
                other = apex[count - 1]
                crossing = (rise - (nearest[y, other] - y) ** 2 - other * other) / (2.0 * (x - other))
                if crossing > start[count - 1]:
                    break
                count -= 1
            start[count] = crossing if count > 0 else -np.inf
            apex[count] = x
            count += 1
        start[count] = np.inf
        at = 0
        for x in range(width):
            while start[at + 1] < x:
                at += 1
            if not visible[y, x]:
                filled[y, x] = filled[nearest[y, apex[at]], apex[at]]
