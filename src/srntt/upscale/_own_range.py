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
    """Multiply a picture by an integer gain, in 16 bits, without loss.

    Args:
        picture: Picture of any depth.
        gain: Gain of the picture to which this one belongs, with clipping at white; by default that of the picture.
    """
    gain = own_gain(picture) if gain is None else gain
    if gain == 1:
        return picture
    times = gain if picture.bits == 16 else gain * 257
    color = np.empty(picture.color.shape, np.uint16)
    for top, bottom in cuts(picture.height, _ROWS_AT_ONCE):
        color[top:bottom] = np.minimum(picture.color[top:bottom].astype(np.uint32) * times, _TOP)
    deeper = picture.bits == 8
    alpha = picture.alpha.astype(np.uint16) * 257 if deeper and picture.alpha is not None else picture.alpha
    bands = picture.bands.astype(np.uint16) * 257 if deeper and picture.bands is not None else picture.bands
    return replace(picture, color=color, alpha=alpha, bands=bands)


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
