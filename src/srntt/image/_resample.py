"""A picture in another size: each channel in floating point by Pillow's bicubic, rounded once."""

import math
from dataclasses import replace

import numpy as np
from PIL import Image

from srntt._shapes import Shaped
from srntt.image._picture import Picture

_ROWS_AT_ONCE = 128  # of the output


def resized(picture: Picture, size: tuple[int, int], bits: int | None = None) -> Picture:
    """Resizes colours, alpha and bands by bicubic (a = -0.5), antialiased where it reduces.

    Args:
        picture: of any depth. It is returned where nothing is to be done.
        size: (H, W) of the output, in pixels.
        bits: 8 or 16 of the output; None for those of the picture.
    """
    bits = bits or picture.bits
    if size == (picture.height, picture.width) and bits == picture.bits:
        return picture
    alpha = None if picture.alpha is None else _samples(picture.alpha[:, :, None], size, bits)[:, :, 0]
    bands = None if picture.bands is None else _samples(picture.bands, size, bits)
    return replace(picture, color=_samples(picture.color, size, bits), alpha=alpha, bands=bands)


def _samples(samples: Shaped[np.ndarray, "h w c"], size: tuple[int, int], bits: int) -> Shaped[np.ndarray, "H W c"]:
    """In bands of rows; each sees all rows that the kernel reaches, so that bands are parts of the whole."""
    (height, width, channels), (rows, columns) = samples.shape, size
    step, white = height / rows, (1 << bits) - 1
    reach = math.ceil(2 * max(1, step)) + 1
    out = np.empty((rows, columns, channels), np.uint8 if bits == 8 else np.uint16)
    factor = np.float32(white / np.iinfo(samples.dtype).max)
    for top in range(0, rows, _ROWS_AT_ONCE):
        bottom = min(rows, top + _ROWS_AT_ONCE)
        first, last = max(0, math.floor(top * step) - reach), min(height, math.ceil(bottom * step) + reach)
        box = (0, top * step - first, width, min(bottom * step - first, last - first))
        for channel in range(channels):
            plane = Image.fromarray(np.ascontiguousarray(samples[first:last, :, channel], np.float32))
            made = np.asarray(plane.resize((columns, bottom - top), Image.Resampling.BICUBIC, box=box))
            out[top:bottom, :, channel] = np.rint(np.clip(made * factor, 0, white))
    return out
