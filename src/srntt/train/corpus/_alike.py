"""A perceptual hash: pictures that show the same thing alike differ in few of its bits."""

import math

import numpy as np

from srntt._shapes import Float, UInt8
from srntt.image import resize_pillow

_SIDE = 32  # of the thumbnail
_LOW = 8  # frequencies kept each way
_ZOOMS = (1.0, 0.95, 0.9, 0.85, 0.8, 0.75)
_LUMA = np.array([0.299, 0.587, 0.114])

#: 64 bits for the central square of a picture, then for smaller and smaller squares within it.
Fingerprint = tuple[int, ...]


def fingerprint(pixels: UInt8[np.ndarray, "h w c"]) -> Fingerprint:
    """Signs of the low frequencies of central squares of a picture, relative to their median.

    Squares from the middle, of several sizes, because the same photograph is published in many shapes, most of them cut
    from its middle. The signs hardly change with size, compression, exposure and contrast. Turned and mirrored pictures
    have others.

    Args:
        pixels: grey or RGB, of any size.

    Example:
        >>> shape = (np.outer(np.arange(64) ** 2, np.arange(64)) % 251).astype(np.uint8)[..., None]
        >>> bits_apart(fingerprint(shape), fingerprint(shape + 4)), len(fingerprint(shape))
        (0, 6)
    """
    return tuple(_hash(_central(pixels, zoom)) for zoom in _ZOOMS)


def bits_apart(one: Fingerprint, other: Fingerprint) -> int:
    """In how many of 64 bits the whole of one picture differs from the best fitting square of the other; 0..64."""
    pairs = [*((one[0], square) for square in other), *((square, other[0]) for square in one)]
    return min((a ^ b).bit_count() for a, b in pairs)


def _central(pixels: UInt8[np.ndarray, "h w c"], zoom: float) -> UInt8[np.ndarray, "s s c"]:
    height, width = pixels.shape[:2]
    side = max(1, round(min(height, width) * zoom))
    top, left = (height - side) // 2, (width - side) // 2
    return pixels[top : top + side, left : left + side]


def _hash(square: UInt8[np.ndarray, "s s c"]) -> int:
    small = resize_pillow(square, (_SIDE, _SIDE)).astype(np.float64)
    grey = small[..., 0] if small.shape[2] == 1 else small @ _LUMA
    cosines = _cosines()
    low = (cosines @ grey @ cosines.T).ravel()
    low[0] = 0  # the mean says how bright it is, not what it shows
    return int.from_bytes(np.packbits(low > np.median(low)).tobytes())


def _cosines() -> Float[np.ndarray, "k n"]:
    """Rows of the DCT-II, the lowest frequencies first."""
    frequency, place = np.arange(_LOW)[:, None], np.arange(_SIDE)[None]
    return np.cos(math.pi / _SIDE * frequency * (place + 0.5))
