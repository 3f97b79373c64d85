"""Resampling through a map of positions, pixel by pixel, as it is defined."""

import math
from collections.abc import Callable

import numpy as np


def cubic(distance: float, a: float) -> float:
    """Keys's kernel (1981)."""
    distance = abs(distance)
    if distance < 1:
        return (a + 2) * distance**3 - (a + 3) * distance**2 + 1
    return a * (distance**3 - 5 * distance**2 + 8 * distance - 4) if distance < 2 else 0.0


def sample(pixels: np.ndarray, x: float, y: float) -> np.ndarray:
    """Bicubic (a = -0.75) at one point of a picture that is mirrored at its edges."""
    total = np.zeros(pixels.shape[2])
    for row in range(math.floor(y) - 1, math.floor(y) + 3):
        for column in range(math.floor(x) - 1, math.floor(x) + 3):
            value = pixels[mirrored(row, pixels.shape[0]), mirrored(column, pixels.shape[1])]
            total += cubic(y - row, -0.75) * cubic(x - column, -0.75) * value
    return total


def mirrored(index: int, size: int) -> int:
    """Number of the pixel that is seen beyond the edge, the outermost one first."""
    index %= 2 * size
    return min(index, 2 * size - 1 - index)


def resampled(
    pixels: np.ndarray, position: Callable[[float, float], tuple[float, float]], row: int, column: int, samples: int
) -> np.ndarray:
    """One output pixel: samples in a grid over it, weighted by bicubic (a = -0.5) two output pixels to each side."""
    if samples == 1:
        return sample(pixels, *position(column, row))
    offsets = (np.arange(4 * samples) + 0.5) / samples - 2
    weights = np.array([cubic(offset, -0.5) for offset in offsets])
    weights /= weights.sum()
    total = np.zeros(pixels.shape[2])
    for down, by_row in zip(offsets, weights, strict=True):
        for across, by_column in zip(offsets, weights, strict=True):
            total += by_row * by_column * sample(pixels, *position(column + across, row + down))
    return total
