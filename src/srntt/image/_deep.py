"""16-bit colour out of Pillow, which decodes it but keeps 8 bits.

Pillow has no mode for 16-bit RGB, RGBA or grey+alpha: its unpackers keep one byte of each sample, ``RGB;16B`` the first
and ``RGB;16L`` the second. Decoding twice, once with each, gives both, with all of Pillow's checks, filters,
interlacing and compressions. Four bytes of 16-bit grey+alpha are taken as one RGBA pixel.
"""

import sys
from collections.abc import Callable
from typing import Literal

import numpy as np
from PIL import ImageFile
from PIL import TiffImagePlugin as Tiff

from srntt._shapes import Shaped
from srntt.image._read_tiff import GrayAlphaTiff

__all__ = ["is_deep", "read_deep"]


def is_deep(image: ImageFile.ImageFile) -> bool:
    """True if Pillow would silently keep 8 of this image's 16 bits a sample. To be asked before it is loaded."""
    return isinstance(image, GrayAlphaTiff) or (";16" in _rawmode(image) and image.mode in ("RGB", "RGBA"))


def read_deep(image: ImageFile.ImageFile, open_again: Callable[[], ImageFile.ImageFile]) -> Shaped[np.ndarray, "h w c"]:
    """Reads all 16 bits.

    Args:
        image: the opened picture, not yet loaded.
        open_again: opens it once more, where that is needed.

    Returns:
        (h, w, 2 | 3 | 4) uint16; the last of two or four channels is alpha, straight.
    """
    rawmode, order = _rawmode(image), _byte_order(image)
    if isinstance(image, GrayAlphaTiff) or rawmode == "LA;16B":
        quads = _load_as(image, "RGBA")
        return quads.view(np.dtype(np.uint16).newbyteorder(order)).astype(np.uint16)
    family = rawmode[: rawmode.index(";")].replace("RGBa", "RGBA")
    first = _load_as(image, f"{family};16B")
    second = _load_as(open_again(), f"{family};16L")
    high, low = (first, second) if order == ">" else (second, first)
    pixels = high.astype(np.uint16)
    pixels <<= 8
    pixels |= low
    return _unpremultiplied(pixels) if rawmode.startswith("RGBa") else pixels


def _rawmode(image: ImageFile.ImageFile) -> str:
    if not image.tile:
        return ""
    args = image.tile[0].args
    first = args[0] if isinstance(args, tuple) and args else args
    return first if isinstance(first, str) else ""


def _byte_order(image: ImageFile.ImageFile) -> Literal["<", ">"]:
    if not isinstance(image, Tiff.TiffImageFile):
        return ">"  # PNG
    if image.tile[0].codec_name == "libtiff":  # which hands over native samples
        return "<" if sys.byteorder == "little" else ">"
    return "<" if image.tag_v2.prefix == b"II" else ">"


def _load_as(image: ImageFile.ImageFile, rawmode: str) -> Shaped[np.ndarray, "h w c"]:
    image.tile = [
        tile._replace(args=(rawmode, *tile.args[1:]) if isinstance(tile.args, tuple) else rawmode)
        for tile in image.tile
    ]
    image.load()
    return np.array(image)


def _unpremultiplied(pixels: Shaped[np.ndarray, "h w 4"]) -> Shaped[np.ndarray, "h w 4"]:
    alpha = pixels[..., 3:].astype(np.float64)
    straight = np.rint(pixels[..., :3] * np.divide(65_535, alpha, out=np.zeros_like(alpha), where=alpha > 0))
    pixels[..., :3] = np.minimum(straight, 65_535).astype(np.uint16)
    return pixels
