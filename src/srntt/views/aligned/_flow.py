"""What planes leave over, parallax and curvature, by dense flow: kept where it holds in both directions."""

import cv2
import numpy as np

from srntt._shapes import Float, UInt8
from srntt.views.aligned._motion import search_flow
from srntt.views.aligned._opencv import in_parallel

_ENLARGED = 2
_SURROUNDINGS = 15.0  # pixels of the enlarged picture: standard deviation of the window that exposure is evened out in
_CONTRAST, _NOISE = 40.0, 1e-4  # levels for one standard deviation; variance that counts as flat
_RETURN = 1.0  # pixels of the enlarged picture by which forward and backward flow may differ
_LONGEST = 3.0  # pixels of the small picture; what is further away belongs to another plane
_SMOOTHED = 1.5  # pixels of the enlarged picture
_FEW = 0.05  # share of trusted flow around a place, below which it fades to none


def residual_flow(one: Float[np.ndarray, "a b"], other: Float[np.ndarray, "a b"]) -> Float[np.ndarray, "a b 2"]:
    """For each place of one picture, how far (x, y) from it the same thing lies in the other; 0 where unknown.

    Dense inverse search on both pictures, grey in [0, 1] and already nearly in place, enlarged.
    """
    if min(one.shape) * _ENLARGED < 2 * 8:  # a patch of the search
        return np.zeros((*one.shape, 2), np.float32)
    first, second = evened(one), evened(other)
    there, back = in_parallel(lambda pair: search_flow(*pair), ((first, second), (second, first)))
    trusted = _returns(there, back) & (np.hypot(there[..., 0], there[..., 1]) < _LONGEST * _ENLARGED)
    weight = cv2.GaussianBlur(trusted.astype(np.float32), (0, 0), _SMOOTHED)
    smooth = cv2.GaussianBlur(there * trusted[..., None], (0, 0), _SMOOTHED) / np.maximum(weight, _FEW)[..., None]
    return cv2.resize(smooth, one.shape[::-1], interpolation=cv2.INTER_AREA) / _ENLARGED


def evened(gray: Float[np.ndarray, "a b"]) -> UInt8[np.ndarray, "_ _"]:
    """Enlarged, with the same mean and contrast everywhere."""
    large = cv2.resize(gray, None, fx=_ENLARGED, fy=_ENLARGED, interpolation=cv2.INTER_CUBIC)
    centred = large - cv2.GaussianBlur(large, (0, 0), _SURROUNDINGS)
    variance = cv2.GaussianBlur(centred * centred, (0, 0), _SURROUNDINGS)
    return np.clip(centred / np.sqrt(variance + _NOISE) * _CONTRAST + 128, 0, 255).astype(np.uint8)


def _returns(there: Float[np.ndarray, "h w 2"], back: Float[np.ndarray, "h w 2"]) -> np.ndarray:
    """Where going there and back ends near the start."""
    y, x = np.indices(there.shape[:2], np.float32)
    returned = cv2.remap(back, x + there[..., 0], y + there[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.hypot(*np.moveaxis(there + returned, 2, 0)) < _RETURN
