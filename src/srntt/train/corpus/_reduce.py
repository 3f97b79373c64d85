"""A photograph as a corpus has it: halved until it is not too large, without what is flat at its frame.

Flat is what has nothing to teach: no detail that a picture four times smaller loses.
"""

import numpy as np
import torch

from srntt._shapes import Bool, UInt8
from srntt.image import bicubic_pillow, resize_pillow

TILE = 64  #: pixels; the side of the squares that are measured
DETAIL = 2.0  #: levels of 255; the root of the mean square of what is lost, from which a tile counts as textured
_SCALE = 4
_FEW = 0.1  # share of textured tiles below which a row or column at the frame is cut off
_EVEN = 3  # levels; rows and columns at the frame that vary less are no part of the photograph


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


def textured_tiles(pixels: UInt8[np.ndarray, "h w c"]) -> Bool[np.ndarray, "rows columns"]:
    """Which tiles of 64 pixels have detail: those in which a picture, reduced by 4 and enlarged again (bicubic), is off
    by 2 levels of 255 or more (root mean square over pixels and channels).

    Args:
        pixels: of 64 pixels or more each way; what is left over at the right and below is not looked at.
    """
    rows, columns = (extent // TILE for extent in pixels.shape[:2])
    whole = pixels[: rows * TILE, : columns * TILE]
    x = torch.from_numpy(np.ascontiguousarray(whole.transpose(2, 0, 1))).float() / 255
    again = bicubic_pillow(bicubic_pillow(x, (rows * TILE // _SCALE, columns * TILE // _SCALE)), whole.shape[:2])
    error = (again - x).mul_(255).square_().mean(0)
    return (error.view(rows, TILE, columns, TILE).mean((1, 3)).sqrt() >= DETAIL).numpy()


def textured_part(textured: Bool[np.ndarray, "rows columns"]) -> tuple[slice, slice]:
    """Rows and columns of tiles without those at the frame in which fewer than a tenth are textured; empty if none is.

    The emptiest side goes first, until no side is that empty.

    Example:
        >>> textured_part(np.array([[0, 0, 0], [0, 1, 1], [0, 0, 1]], bool))
        (slice(1, 3, None), slice(1, 3, None))
    """
    top, bottom, left, right = 0, textured.shape[0], 0, textured.shape[1]
    while top < bottom and left < right:
        part = textured[top:bottom, left:right]
        sides = (part[0].mean(), part[-1].mean(), part[:, 0].mean(), part[:, -1].mean())
        emptiest = int(np.argmin(sides))
        if sides[emptiest] >= _FEW:
            break
        top, bottom = top + (emptiest == 0), bottom - (emptiest == 1)
        left, right = left + (emptiest == 2), right - (emptiest == 3)
    return slice(top, bottom), slice(left, right)


def without_even_frame(pixels: UInt8[np.ndarray, "h w c"]) -> UInt8[np.ndarray, "h2 w2 c"]:
    """The picture without rows and columns at its frame that hold one colour: letterboxes and borders."""
    low, high = (extreme.astype(np.int16) for extreme in (pixels.min(1), pixels.max(1)))
    rows = ((high - low).max(1) >= _EVEN).nonzero()[0]
    low, high = (extreme.astype(np.int16) for extreme in (pixels.min(0), pixels.max(0)))
    columns = ((high - low).max(1) >= _EVEN).nonzero()[0]
    if not len(rows) or not len(columns):
        return pixels[:0, :0]
    return pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
