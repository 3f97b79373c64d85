"""Reads 16-bit colour from PNGs through Pillow, which decodes it but keeps 8 bits.

Pillow has no mode for 16-bit RGB, RGBA or grey+alpha: its unpackers keep one byte of each sample, ``RGB;16B`` the first
and ``RGB;16L`` the second. Decoding once with each gives both, with all of Pillow's checks, filters and
interlacing. The four bytes of a 16-bit grey+alpha pixel are read as one RGBA pixel.
"""

from collections.abc import Callable

import numpy as np
from PIL import ImageFile

from srntt._shapes import Shaped


def is_deep(image: ImageFile.ImageFile) -> bool:
    """True if Pillow would silently keep 8 of this image's 16 bits a sample. Call it before the image is loaded."""
    return ";16" in _rawmode(image) and image.mode in ("RGB", "RGBA")


def read_deep(image: ImageFile.ImageFile, open_again: Callable[[], ImageFile.ImageFile]) -> Shaped[np.ndarray, "h w c"]:
    """Reads all 16 bits of an image that is not yet loaded; ``open_again`` opens it a second time, if needed.

    Returns:
        (h, w, 2 | 3 | 4) uint16; the last of two or four channels is alpha, straight.
    """
    rawmode = _rawmode(image)
    if rawmode == "LA;16B":
        return _load_as(image, "RGBA").view(">u2").astype(np.uint16)
    family = rawmode[: rawmode.index(";")]
    pixels = _load_as(image, f"{family};16B").astype(np.uint16)
    pixels <<= 8
    pixels |= _load_as(open_again(), f"{family};16L")
    return pixels


def _rawmode(image: ImageFile.ImageFile) -> str:
    if not image.tile:
        return ""
    args = image.tile[0].args
    first = args[0] if isinstance(args, tuple) and args else args
    return first if isinstance(first, str) else ""


def _load_as(image: ImageFile.ImageFile, rawmode: str) -> Shaped[np.ndarray, "h w c"]:
    image.tile = [
        tile._replace(args=(rawmode, *tile.args[1:]) if isinstance(tile.args, tuple) else rawmode)
        for tile in image.tile
    ]
    image.load()
    return np.array(image)
