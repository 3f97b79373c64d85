"""Stretching of 16-bit pictures that use a small part of their range, such as 12 bits of a camera."""

from dataclasses import replace

import numpy as np

from srntt._shapes import Shaped
from srntt.image import Picture
from srntt.memory import cuts

_TOP = 65_535
_ROWS_AT_ONCE = 64


def own_gain(picture: Picture) -> int:
    """Return the largest integer gain without clipping; 1 for 8 bits, of which dark pictures use all levels."""
    brightest = int(picture.color.max())
    return _TOP // brightest if picture.bits == 16 and brightest else 1


def stretched(picture: Picture, gain: int | None = None) -> Picture:
    """Multiply a picture by an integer gain, in 16 bits: by its own without loss, by another with clipping at white."""
    gain = own_gain(picture) if gain is None else gain
    if gain == 1:
        return picture
    picture = deepened(picture)
    color = np.empty_like(picture.color)
    for top, bottom in cuts(picture.height, _ROWS_AT_ONCE):
        color[top:bottom] = np.minimum(picture.color[top:bottom].astype(np.uint32) * gain, _TOP)
    return replace(picture, color=color)


def deepened(picture: Picture) -> Picture:
    """Convert a picture to 16 bits with exactly the same values."""
    if picture.bits == 16:
        return picture
    alpha, bands = (None if part is None else part.astype(np.uint16) * 257 for part in (picture.alpha, picture.bands))
    return replace(picture, color=picture.color.astype(np.uint16) * 257, alpha=alpha, bands=bands)


def unstretch(pixels: Shaped[np.ndarray, "H W c"], gain: int) -> None:
    """Divide by a gain and round, in place."""
    if gain == 1:
        return
    for top, bottom in cuts(pixels.shape[0], _ROWS_AT_ONCE):
        pixels[top:bottom] = (pixels[top:bottom].astype(np.uint32) + gain // 2) // gain
