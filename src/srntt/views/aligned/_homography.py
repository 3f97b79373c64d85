"""Homographies between pictures: (x, y) in pixels, whole numbers at the centres of pixels."""

import cv2
import numpy as np

from srntt._shapes import Bool, Float

_CONDITION = 1e12  # of a matrix that can be inverted
_HORIZON = 0.05  # denominators below it: 20 times as far away as the points that the homography stands on


def transform(
    matrix: Float[np.ndarray, "3 3"], x: Float[np.ndarray, "*n"], y: Float[np.ndarray, "*n"]
) -> tuple[Float[np.ndarray, "*n"], Float[np.ndarray, "*n"], Bool[np.ndarray, "*n"]]:
    """Where points go, and whether they lie well on the near side of the horizon, by a ``faced`` matrix."""
    depth = matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2]
    ahead = depth > _HORIZON
    depth = np.where(ahead, depth, 1.0)
    over = (matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2]) / depth
    down = (matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2]) / depth
    return over, down, ahead


def jacobians(
    matrix: Float[np.ndarray, "3 3"], x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"]
) -> Float[np.ndarray, "n 2 2"]:
    """d(x', y') / d(x, y) at each point."""
    depth = (matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2])[:, None]
    over, down, _ = transform(matrix, x, y)
    rows = [(matrix[row, :2] - matrix[2, :2] * moved[:, None]) / depth for row, moved in ((0, over), (1, down))]
    return np.stack(rows, 1)


def scale_at(matrix: Float[np.ndarray, "3 3"], point: Float[np.ndarray, " 2"]) -> float:
    """Pixels of the second picture for one of the first, at a point (x, y)."""
    return float(np.sqrt(abs(np.linalg.det(jacobians(matrix, point[:1], point[1:])[0]))))


def rescaled(
    matrix: Float[np.ndarray, "3 3"], before: tuple[float, float] = (1.0, 1.0), after: tuple[float, float] = (1.0, 1.0)
) -> Float[np.ndarray, "3 3"]:
    """The same homography where both pictures are resized.

    ``before`` and ``after`` it, in (x, y): pixels of the resized picture for one of the original.
    """
    return _resize(after) @ matrix @ np.linalg.inv(_resize(before))


def estimate(
    start: Float[np.ndarray, "n 2"],
    end: Float[np.ndarray, "n 2"],
    *,
    tolerance: float,
    iterations: int,
    confidence: float,
) -> tuple[Float[np.ndarray, "3 3"], Bool[np.ndarray, " n"]] | None:
    """The homography that explains most matches, by MAGSAC++ (Barath et al. 2020), and which; None if there is none."""
    matrix, mask = cv2.findHomography(
        start.astype(np.float64),
        end.astype(np.float64),
        cv2.USAC_MAGSAC,
        tolerance,
        maxIters=iterations,
        confidence=confidence,
    )
    return None if matrix is None or mask is None or not is_regular(matrix) else (matrix, mask.ravel() > 0)


def is_regular(matrix: Float[np.ndarray, "3 3"]) -> bool:
    """Whether a homography, as fitted by OpenCV, is finite and can be inverted."""
    return bool(np.isfinite(matrix).all() and np.linalg.cond(matrix) < _CONDITION)


def faced(matrix: Float[np.ndarray, "3 3"], points: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "3 3"]:
    """The same homography with denominators of 1 at the centre of these points, which lie on the near side."""
    x, y = points.mean(0)
    return matrix / (matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2])


def _resize(times: tuple[float, float]) -> Float[np.ndarray, "3 3"]:
    x, y = times
    return np.array([[x, 0, (x - 1) / 2], [0, y, (y - 1) / 2], [0, 0, 1.0]])
