"""A photograph as a corpus has it: halved until it is not too large, without what is flat at its frame."""

import numpy as np

from srntt._shapes import UInt8
from srntt.image import resize_pillow
from srntt.train.corpus._texture import TILE, textured_part, textured_tiles, without_even_frame


def halvings(pixels: int, megapixels: float) -> int:
    """How often a picture of so many pixels must be halved to have no more than so many megapixels."""
    count = 0
    while pixels / 4**count > megapixels * 1e6:
        count += 1
    return count


def reduced_to(pixels: UInt8[np.ndarray, "h w c"], megapixels: float) -> UInt8[np.ndarray, "H W c"]:
    """Halved as often as it takes, at once, by antialiased bicubic; without the rows and columns left over."""
    factor = 2 ** halvings(pixels.shape[0] * pixels.shape[1], megapixels)
    if factor == 1:
        return pixels
    height, width = (extent // factor for extent in pixels.shape[:2])
    return resize_pillow(pixels[: height * factor, : width * factor], (height, width))


def trimmed(pixels: UInt8[np.ndarray, "h w c"]) -> tuple[UInt8[np.ndarray, "H W c"], float]:
    """The picture without what is flat at its frame, and the share of what is left that has detail."""
    pixels = without_even_frame(pixels)
    if min(pixels.shape[:2]) < TILE:
        return pixels, 0.0
    tiles = textured_tiles(pixels)
    rows, columns = textured_part(tiles)
    share = float(tiles[rows, columns].mean()) if tiles[rows, columns].size else 0.0
    top, bottom = rows.start * TILE, None if rows.stop == tiles.shape[0] else rows.stop * TILE
    left, right = columns.start * TILE, None if columns.stop == tiles.shape[1] else columns.stop * TILE
    return np.ascontiguousarray(pixels[top:bottom, left:right]), share
