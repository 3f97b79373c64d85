"""MATLAB's ``imresize(x, ..., "bicubic")`` for floating-point pictures, from its definition: one dense matrix a side.

Output k (from 1) lies at u = k / scale + (1 - 1/scale) / 2; inputs within the kernel's width (stretched by 1/scale when
shrinking) are weighted, weights made to add up to 1, positions outside mirrored about the edge of the outermost sample.
"""

import math

import numpy as np


def keys_cubic(x: float) -> float:
    x = abs(x)
    if x <= 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    if x <= 2:
        return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return 0.0


def matrix(before: int, after: int, scale: float) -> np.ndarray:
    """(after, before): each row the weights of one output."""
    shrink = min(scale, 1.0)
    weights = np.zeros((after, before))
    for k in range(1, after + 1):
        u = k / scale + 0.5 * (1 - 1 / scale)
        row = np.zeros(before)
        for position in range(math.floor(u - 2 / shrink) - 1, math.ceil(u + 2 / shrink) + 2):
            mirrored = position
            while not 1 <= mirrored <= before:
                mirrored = 1 - mirrored if mirrored < 1 else 2 * before + 1 - mirrored
            row[mirrored - 1] += keys_cubic((u - position) * shrink)
        weights[k - 1] = row / row.sum()
    return weights


def slow_imresize(x: np.ndarray, size: tuple[int, int], scale: tuple[float, float]) -> np.ndarray:
    """(c, h, w) float64 to (c, *size)."""
    rows, columns = (matrix(x.shape[k + 1], size[k], scale[k]) for k in (0, 1))
    return np.einsum("ih,chw,jw->cij", rows, x, columns)
