"""Pictures of 16 bits that use a small part of them, such as 12 bits of a camera: networks see their own range."""

from dataclasses import replace

import numpy as np

from srntt._shapes import Shaped
from srntt.image import Picture
from srntt.memory import cuts

_TOP = 65_535
_ROWS_AT_ONCE = 64


def own_gain(picture: Picture) -> int:
    """The largest whole number that brings no sample beyond white; 1 for 8 bits, of which dark pictures use all."""
    brightest = int(picture.color.max())
    return _TOP // brightest if picture.bits == 16 and brightest else 1


def stretched(picture: Picture, gain: int | None = None) -> Picture:
    """The picture so many times brighter, with 16 bits; by its own gain where none is given. Nothing is lost: whole
    numbers times a whole number.

    Args:
        picture: of any depth.
        gain: of the picture that this one belongs to; what goes beyond white is clipped.
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
    """The picture with 16 bits: the same values, exactly."""
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
