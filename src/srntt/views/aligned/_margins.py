"""Flat margins of a reference, such as the corners of one that was turned: there is nothing there."""

import cv2
import numpy as np

from srntt._shapes import Bool, Shaped, UInt8

_LEVELS = 2  # by which a margin may vary
_RIM = 5  # pixels around a margin that it has blurred into, as a square
_LEAST = 0.005  # of the picture


def find_margins(gray: UInt8[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """Where a picture shows something: outside the flat parts that begin at its corners, if all four have the same.

    A bright sky begins at two corners, and its edge is worth keeping.
    """
    height, width = gray.shape
    corners = [(x, y) for y in (0, height - 1) for x in (0, width - 1)]
    levels = [int(gray[y, x]) for x, y in corners]
    flooded = np.zeros((height + 2, width + 2), np.uint8)
    if max(levels) - min(levels) <= _LEVELS:
        flags = 4 | cv2.FLOODFILL_MASK_ONLY | cv2.FLOODFILL_FIXED_RANGE | (1 << 8)
        unread = gray.copy()  # it must be writable, though it is not written to
        for corner in corners:
            cv2.floodFill(unread, flooded, corner, (0,), (_LEVELS,), (_LEVELS,), flags)
    margin = flooded[1:-1, 1:-1]
    if not _LEAST < margin.mean() < 1 - _LEAST:
        return np.ones(gray.shape, bool)
    return cv2.dilate(margin, np.ones((_RIM, _RIM), np.uint8)) == 0


def filled(pixels: Shaped[np.ndarray, "H W c"], shown: Bool[np.ndarray, "h w"]) -> Shaped[np.ndarray, "H W c"]:
    """With the colour of the nearest pixel that shows something wherever the (smaller) mask has nothing."""
    if shown.all():
        return pixels
    size = pixels.shape[1], pixels.shape[0]
    kept = cv2.resize(shown.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    _, labels = cv2.distanceTransformWithLabels(1 - kept, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    nearest = np.asarray(labels, np.int32)
    source = np.zeros(nearest.max() + 1, np.int32)  # of each label, the pixel that it is of
    places = np.flatnonzero(kept)
    source[nearest.ravel()[places]] = places
    return pixels.reshape(-1, pixels.shape[2])[source[nearest]]


def at_shares(mask: Bool[np.ndarray, "h w"], x: np.ndarray, y: np.ndarray) -> Bool[np.ndarray, "..."]:
    """A mask at points given as shares of its width and height; beyond its edges, what is there."""
    rows, columns = (
        np.clip((share * extent).astype(int), 0, extent - 1) for share, extent in zip((y, x), mask.shape, strict=True)
    )
    return mask[rows, columns]
