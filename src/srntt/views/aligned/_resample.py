"""Pictures seen through a map of positions: one antialiased resampling, tile by tile."""

import math
from collections.abc import Callable

import cv2
import numpy as np
import torch
from torch import Tensor

from srntt._shapes import Float, Shaped
from srntt.image import unit_floats
from srntt.views.aligned._opencv import deterministic

TILE = 256  # output pixels
_MOST_SAMPLES = 4  # along each side of an output pixel; what is larger still is reduced first
_ENOUGH = 1.2  # pixels of the source for one of the output, up to which one sample does
_LOBES, _MARGIN = 3, 3  # output pixels that antialiased Lanczos looks at, around the centre of one and beyond a tile
_SAMPLE = 130  # bytes of a sample: its place, before and after the map, and its value
_SOURCE = 12 * _MOST_SAMPLES**2  # bytes of the part of the source under an output pixel
_REACH = 5  # source pixels that Lanczos looks at

Positions = Callable[
    [Float[np.ndarray, "h w"], Float[np.ndarray, "h w"]], tuple[Float[np.ndarray, "h w"], Float[np.ndarray, "h w"]]
]
"""(x, y) of an output picture to (x, y) of the source; whole numbers are centres of pixels, on both sides."""


def resample(
    pixels: Shaped[np.ndarray, "H W c"], positions: Positions, rows: tuple[int, int], columns: tuple[int, int]
) -> Float[np.ndarray, "h w c"]:
    """The rows and columns (first, one past the last) of the output: floats in [0, 1], but for the overshoot.

    Where the output is coarser than the source, it is sampled more densely by Lanczos and reduced by antialiased
    Lanczos. Beyond the edge the source, uint8, uint16, or floats in [0, 1], is mirrored.
    """
    whole = np.empty((rows[1] - rows[0], columns[1] - columns[0], pixels.shape[2]), np.float32)
    with deterministic():
        for top in range(rows[0], rows[1], TILE):
            for left in range(columns[0], columns[1], TILE):
                bottom, right = min(top + TILE, rows[1]), min(left + TILE, columns[1])
                tile = _tile(pixels, positions, (top, bottom), (left, right))
                whole[top - rows[0] : bottom - rows[0], left - columns[0] : right - columns[0]] = tile
    return whole


def resampled_rows(
    pixels: Shaped[np.ndarray, "H W c"], positions: Positions, size: tuple[int, int], top: int, bottom: int | None
) -> Float[Tensor, "3 h w"]:
    """Rows ``top`` to ``bottom`` of an output of this height and width, in [0, 1], from a picture in colour or grey.

    Any band of rows gives what the whole output has there.
    """
    height, width = size
    bottom = height if bottom is None else bottom
    first, last = top // TILE * TILE, min(height, -(-bottom // TILE) * TILE)  # tiles are cut at the same places
    part = resample(pixels, positions, (first, last), (0, width))
    picture = torch.from_numpy(part[top - first : bottom - first]).permute(2, 0, 1)
    return picture.clamp(0, 1).expand(3, -1, -1).contiguous()


def resampling_bytes(size: tuple[int, int], ratio: float) -> int:
    """Most memory that `resample` takes in addition to its result.

    ``size`` is that of the result; ``ratio`` is how many pixels of the source lie along one of its pixels.
    """
    samples = min(_MOST_SAMPLES, max(1, math.ceil(ratio / _ENOUGH)))
    height, width = (min(extent, TILE) + 2 * _MARGIN for extent in size)
    return height * width * (samples**2 * _SAMPLE + _SOURCE)


def _tile(
    pixels: Shaped[np.ndarray, "H W c"], positions: Positions, rows: tuple[int, int], columns: tuple[int, int]
) -> Float[np.ndarray, "h w c"]:
    ratio = _ratio(positions, rows, columns)
    samples = min(_MOST_SAMPLES, max(1, int(np.ceil(ratio / _ENOUGH))))
    margin = _MARGIN + 1 if samples > 1 else 0
    x, y = (np.arange(first - margin, last + margin, dtype=np.float64) for first, last in (columns, rows))
    at = positions(*np.meshgrid(x, y))
    if samples > 1:
        at = tuple(_denser(each, samples) for each in at)
    found = _sampled(pixels, *at, shrink=max(1, int(ratio / _MOST_SAMPLES)))
    return found if samples == 1 else _reduced(_reduced(found, samples).swapaxes(0, 1), samples).swapaxes(0, 1)


def _denser(position: Float[np.ndarray, "h w"], samples: int) -> Float[np.ndarray, "h2 w2"]:
    """Positions of several samples in each pixel, between those of pixels, without the outermost pixels."""
    large = cv2.resize(position, None, fx=samples, fy=samples, interpolation=cv2.INTER_LINEAR)
    return large[samples:-samples, samples:-samples]


def _reduced(found: Float[np.ndarray, "h w c"], samples: int) -> Float[np.ndarray, "h2 w c"]:
    """Fewer rows, without the margins, by Lanczos in a window of six output pixels."""
    offsets = (np.arange((2 * _MARGIN + 1) * samples) + 0.5) / samples - _MARGIN - 0.5  # from the centre of the pixel
    weights = np.where(np.abs(offsets) < _LOBES, np.sinc(offsets) * np.sinc(offsets / _LOBES), 0)
    rows = found.shape[0] - 2 * _MARGIN * samples
    total = np.zeros((rows // samples, *found.shape[1:]), np.float32)
    for first in np.flatnonzero(weights):
        total += np.float32(weights[first] / weights.sum()) * found[first : first + rows : samples]
    return total


def _ratio(positions: Positions, rows: tuple[int, int], columns: tuple[int, int]) -> float:
    """Source pixels for one of the tile, across: the median of the larger sides of its pixels."""
    x, y = np.meshgrid(np.linspace(*columns, 9), np.linspace(*rows, 9))
    here, right, below = positions(x, y), positions(x + 0.25, y), positions(x, y + 0.25)
    steps = [np.hypot(moved[0] - here[0], moved[1] - here[1]) * 4 for moved in (right, below)]
    return float(np.median(np.maximum(*steps)))


def _sampled(
    pixels: Shaped[np.ndarray, "H W c"], x: Float[np.ndarray, "h w"], y: Float[np.ndarray, "h w"], shrink: int
) -> Float[np.ndarray, "h w c"]:
    """Lanczos in a window of 8 pixels, of that part of the source that is looked at."""
    height, width, channels = pixels.shape
    x, y = _mirrored(x, width), _mirrored(y, height)
    reach = _REACH * shrink
    left, top = max(0, int(x.min()) - reach), max(0, int(y.min()) - reach)
    part = pixels[top : int(y.max()) + reach + 2, left : int(x.max()) + reach + 2]
    if shrink > 1:
        size = max(1, part.shape[1] // shrink), max(1, part.shape[0] // shrink)
        part = cv2.resize(part[: size[1] * shrink, : size[0] * shrink], size, interpolation=cv2.INTER_AREA)
        part = part.reshape(size[1], size[0], channels)
    across, down = (((at + 0.5) / shrink - 0.5).astype(np.float32) for at in (x - left, y - top))
    found = cv2.remap(unit_floats(part), across, down, cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REFLECT)
    return found.reshape(*x.shape, channels)


def _mirrored(position: Float[np.ndarray, "h w"], size: int) -> Float[np.ndarray, "h w"]:
    """Positions beyond the edge, folded back at it; edges are half a pixel beyond the outermost centres."""
    folded = np.mod(position + 0.5, 2 * size)
    return np.minimum(folded, 2 * size - folded) - 0.5
