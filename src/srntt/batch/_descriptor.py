"""Global image descriptor of 896 numbers: fast to compute, and sufficient to find pictures of the same scene.

Two histograms of a thumbnail of 64x64 pixels, as in Dalal and Triggs, *Histograms of oriented gradients*, CVPR 2005,
and Swain and Ballard, *Color indexing*, IJCV 1991: gradient orientation in 8x8 cells, and luma and two opponent colours
in 4x4 cells. Cells overlap (bilinear interpolation), counts are square-rooted (so that the dot product is the
Bhattacharyya coefficient), and each histogram is normalised to unit length.
"""

import numpy as np

from srntt._shapes import Float
from srntt.image import Picture, resize_pillow

_SIDE = 64
_BINS = 8
_GRADIENT_CELLS, _COLOR_CELLS = 8, 4
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # BT.601
_RANGES = ((0.0, 1.0), (-0.4, 0.4), (-0.5, 0.5))  # luma, red - green, blue - yellow; values are clipped

#: Parts of a descriptor with their weights: gradients discriminate scenes better than colours, which vary between
#: cameras.
PARTS = (
    (slice(0, _GRADIENT_CELLS**2 * _BINS), 1.0),
    (slice(_GRADIENT_CELLS**2 * _BINS, _GRADIENT_CELLS**2 * _BINS + 3 * _COLOR_CELLS**2 * _BINS), 0.5),
)
LENGTH = PARTS[-1][0].stop


def describe(picture: Picture) -> Float[np.ndarray, "896"]:
    """Compute the descriptor of a picture of any size."""
    pixels = picture.to_8bit().color
    thumbnail = resize_pillow(np.ascontiguousarray(pixels.repeat(3 // pixels.shape[2], 2)), (_SIDE, _SIDE))
    rgb = thumbnail.astype(np.float32) / 255
    return np.concatenate([_gradients(rgb), _colors(rgb)])


def _gradients(rgb: Float[np.ndarray, "64 64 3"]) -> Float[np.ndarray, "_"]:
    down, right = np.gradient(rgb @ _LUMA)
    turn = np.arctan2(down, right) % np.pi / np.pi * _BINS  # orientation without sign
    weights = _shared(turn, wrap=True) * np.hypot(down, right)[:, :, None]
    return _normalized(_pooled(weights, _GRADIENT_CELLS))


def _colors(rgb: Float[np.ndarray, "64 64 3"]) -> Float[np.ndarray, "_"]:
    red, green, blue = rgb.transpose(2, 0, 1)
    planes = (rgb @ _LUMA, red - green, blue - (red + green) / 2)
    shares = []
    for plane, (low, high) in zip(planes, _RANGES, strict=True):
        place = np.clip((plane - low) / (high - low), 0, 1) * (_BINS - 1)
        shares.append(_pooled(_shared(place, wrap=False), _COLOR_CELLS))
    return _normalized(np.concatenate(shares))


def _shared(place: Float[np.ndarray, "h w"], *, wrap: bool) -> Float[np.ndarray, "h w 8"]:
    """Distribute each value between the two nearest bins."""
    distance = np.abs(place[:, :, None] - np.arange(_BINS))
    if wrap:
        distance = np.minimum(distance, _BINS - distance)
    return np.maximum(0, 1 - distance).astype(np.float32)


def _pooled(weights: Float[np.ndarray, "h w n"], cells: int) -> Float[np.ndarray, "_"]:
    """Sum over cells, distributing each pixel between the nearest cells."""
    place = (np.arange(_SIDE) + 0.5) / _SIDE * cells - 0.5
    near = np.maximum(0, 1 - np.abs(place[:, None] - np.arange(cells))).astype(np.float32)
    return np.einsum("yi,xj,yxb->ijb", near, near, weights, optimize=True).ravel()


def _normalized(counts: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
    root = np.sqrt(counts)
    return root / max(float(np.linalg.norm(root)), 1e-9)
