"""Matches to planes: homographies from the small picture to the reference, one after the other."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from srntt._shapes import Float
from srntt.views.aligned._homography import estimate, faced, jacobians, scale_at, transform

_TOLERANCE = 0.75  # pixels of the small picture
_REMOVED = 2 * _TOLERANCE  # within which matches count as explained by a plane, and are not offered to the next
_ITERATIONS, _CONFIDENCE = 10_000, 0.9999
_LEAST = 8  # different keypoints that a plane stands on
_SPREAD = 1.5  # pixels: smallest standard deviation of these points in any direction
_SCALES = (1 / 16, 64.0)  # pixels of the reference for one of the small picture
_STRETCH = 8.0  # of one direction against the other: a plane seen under more than 83 degrees
MOST_PLANES = 8


@dataclass(frozen=True, eq=False, repr=False)
class Plane:
    """One plane of a scene, seen in both pictures.

    Attributes:
        matrix: homography from (x, y, 1) of the small picture to the reference; whole numbers are centres of pixels.
        points: where the small picture's points are that it stands on.
    """

    matrix: Float[np.ndarray, "3 3"]
    points: Float[np.ndarray, "n 2"]

    def __repr__(self) -> str:
        return f"<Plane on {len(self.points)} points>"

    @property
    def support(self) -> int:
        """Number of different points that it stands on."""
        return len(_different(self.points))

    @property
    def scale(self) -> float:
        """Pixels of the reference for one of the small picture, at the centre of its points."""
        return scale_at(self.matrix, self.points.mean(0))


def find_planes(
    mine: Float[np.ndarray, "n 2"], theirs: Float[np.ndarray, "n 2"], least: int = _LEAST
) -> Iterator[Plane]:
    """The homography that explains most matches, then the one that explains most of the rest, and so on.

    ``mine`` are points (x, y) of the small picture, ``theirs`` the points of the reference that match them. Each
    homography stands on ``least`` different points or more.
    """
    for _ in range(MOST_PLANES):
        if len(mine) < least:
            return
        # errors are measured in the small picture
        found = estimate(theirs, mine, tolerance=_TOLERANCE, iterations=_ITERATIONS, confidence=_CONFIDENCE)
        if not found or not _is_supported(mine[found[1]], least):
            return
        matrix, inlier = found
        to_reference = faced(np.linalg.inv(matrix), mine[inlier])
        if _is_sound(to_reference, mine[inlier]):
            yield Plane(to_reference, mine[inlier])
        rest = ~(inlier | (_error(to_reference, mine, theirs) < _REMOVED))
        mine, theirs = mine[rest], theirs[rest]


def _error(to_reference: np.ndarray, mine: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Distance in the small picture; infinite beyond the horizon."""
    x, y, ahead = transform(np.linalg.inv(to_reference), theirs[:, 0], theirs[:, 1])
    return np.where(ahead, np.hypot(x - mine[:, 0], y - mine[:, 1]), np.inf)


def _is_supported(points: Float[np.ndarray, "n 2"], least: int) -> bool:
    """Enough different points, that do not lie along a line."""
    different = _different(points)
    if len(different) < least:
        return False
    return bool(np.linalg.eigvalsh(np.cov(different.T))[0] >= _SPREAD**2)


def _different(points: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "k 2"]:
    """To half a pixel, each once: the same point is found at several sizes."""
    return np.unique(np.rint(points * 2), axis=0) / 2


def _is_sound(to_reference: Float[np.ndarray, "3 3"], points: Float[np.ndarray, "n 2"]) -> bool:
    """Neither mirrored nor folded where its points are, and of a scale and tilt that can be."""
    low, high = points.min(0), points.max(0)
    corners = np.array([[x, y] for x in (low[0], high[0]) for y in (low[1], high[1])])
    _, _, ahead = transform(to_reference, corners[:, 0], corners[:, 1])
    if not ahead.all():
        return False
    frames = jacobians(to_reference, corners[:, 0], corners[:, 1])
    large, small = np.linalg.svd(frames, compute_uv=False).T
    scales = np.sqrt(large * small)
    return bool(
        (np.linalg.det(frames) > 0).all()
        and (scales > _SCALES[0]).all()
        and (scales < _SCALES[1]).all()
        and (large < _STRETCH * small).all()
    )
