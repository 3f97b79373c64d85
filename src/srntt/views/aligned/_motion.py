"""Motion between two pictures of a sequence: dense flow, and the plane that explains most of it."""

import cv2
import numpy as np

from srntt._shapes import Float, UInt8
from srntt.views.aligned._homography import estimate

_POINTS = 3000  # that a plane is fitted to, at most
_BORDER = 0.02  # of the shorter side, where flow is unreliable
_TOLERANCE = 0.5  # pixels of the flow
_ITERATIONS, _CONFIDENCE = 2000, 0.999


def search_flow(
    one: UInt8[np.ndarray, "h w"], other: UInt8[np.ndarray, "h w"], finest: int = 0
) -> Float[np.ndarray, "h w 2"]:
    """For each pixel of one grey picture, how far (x, y) from it the same thing lies in the other, of the same size.

    Dense inverse search (Kroeger et al. 2016), at least 16 pixels a side; ``finest`` 0 is for flow at every pixel, 1 at
    every second, which is faster.
    """
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)  # pyright: ignore[reportAttributeAccessIssue]
    search.setFinestScale(finest)
    return search.calc(one, other, None)


def plane_motion(flow: Float[np.ndarray, "h w 2"], times: float = 1.0) -> Float[np.ndarray, "3 3"] | None:
    """The homography that explains most of a flow; None if there is none.

    ``times``: pixels of the flow for one of the pictures between which the homography is wanted.
    """
    height, width = flow.shape[:2]
    border = round(_BORDER * min(height, width))
    step = max(1, round((height * width / _POINTS) ** 0.5))
    y, x = np.mgrid[border : height - border : step, border : width - border : step]
    start = np.stack([x.ravel(), y.ravel()], 1).astype(np.float64)
    end = start + flow[y.ravel(), x.ravel()]
    start, end = ((points + 0.5) / times - 0.5 for points in (start, end))
    found = estimate(start, end, tolerance=_TOLERANCE / times, iterations=_ITERATIONS, confidence=_CONFIDENCE)
    return found and found[0]
