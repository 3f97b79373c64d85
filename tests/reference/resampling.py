"""Resampling through a map of positions, pixel by pixel, as it is defined."""

import math
from collections.abc import Callable

import numpy as np


def lanczos(distance: float) -> float:
    """A sinc in the window of a wider one, four pixels to each side."""
    return float(np.sinc(distance) * np.sinc(distance / 4)) if abs(distance) < 4 else 0.0


def sample(pixels: np.ndarray, x: float, y: float) -> np.ndarray:
    """Lanczos at one point of a picture that is mirrored at its edges; weights add up to 1."""
    rows, columns = (range(math.floor(at) - 3, math.floor(at) + 5) for at in (y, x))
    total, weights = np.zeros(pixels.shape[2]), 0.0
    for row in rows:
        for column in columns:
            weight = lanczos(y - row) * lanczos(x - column)
            total += weight * pixels[mirrored(row, pixels.shape[0]), mirrored(column, pixels.shape[1])]
            weights += weight
    return total / weights


def mirrored(index: int, size: int) -> int:
    """Number of the pixel that is seen beyond the edge, the outermost one first."""
    index %= 2 * size
    return min(index, 2 * size - 1 - index)


def resampled(
    pixels: np.ndarray, position: Callable[[float, float], tuple[float, float]], row: int, column: int, samples: int
) -> np.ndarray:
    """One output pixel: samples in a grid over it, weighted by Lanczos three output pixels to each side."""
    if samples == 1:
        return sample(pixels, *position(column, row))
    offsets = [offset for offset in (np.arange(9 * samples) + 0.5) / samples - 4.5 if abs(offset) < 3]
    weights = np.array([np.sinc(offset) * np.sinc(offset / 3) for offset in offsets])
    weights /= weights.sum()
    total = np.zeros(pixels.shape[2])
    for down, by_row in zip(offsets, weights, strict=True):
        for across, by_column in zip(offsets, weights, strict=True):
            total += by_row * by_column * sample(pixels, *position(column + across, row + down))
    return total
