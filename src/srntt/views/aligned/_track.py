"""Alignment that is carried from one picture of a sequence to the next: a path instead of many searches."""

from dataclasses import replace

import cv2
import numpy as np

from srntt._shapes import Float
from srntt.views.aligned._align import place, placed
from srntt.views.aligned._flow import evened
from srntt.views.aligned._homography import faced, is_regular, transform
from srntt.views.aligned._keypoints import ReferenceFeatures, TargetFeatures
from srntt.views.aligned._motion import plane_motion, search_flow
from srntt.views.aligned._opencv import deterministic
from srntt.views.aligned._placement import Placement
from srntt.views.aligned._planes import Plane

_LOST = 0.05  # share of the picture by which a followed placement may cover less than the one before
_LEAST = 100  # places of the grid that a plane is fitted to again
_ENLARGED = 2  # as in the flow of an alignment


class Track:
    """Placements of references against successive pictures.

    The motion of the whole picture moves each placement; flow corrects it, and the planes are fitted to the corrected
    places. Where that covers clearly less than before, the reference is placed by keypoints again.
    """

    def __init__(self) -> None:
        self._gray: Float[np.ndarray, "a b"] | None = None
        self._motion: Float[np.ndarray, "3 3"] | None = None
        self._placements: dict[int, Placement | None] = {}

    def begin(self, target: TargetFeatures) -> None:
        """Continue with the next picture."""
        before, self._gray = self._gray, target.gray
        if before is None or before.shape != target.gray.shape:
            self._placements.clear()
            return
        with deterministic():
            flow = search_flow(evened(target.gray), evened(before))
            self._motion = plane_motion(flow, _ENLARGED * target.gray.shape[1] / target.size[1])

    def place(self, number: int, target: TargetFeatures, features: ReferenceFeatures) -> Placement | None:
        """Place a reference, from its placement against the picture before if there is one."""
        before = self._placements.get(number)
        if before is not None and self._motion is not None:
            found = _followed(before, self._motion, target, features)
            if found is not None and found.coverage >= before.coverage - _LOST:
                return found
        return place(target, features)

    def keep(self, number: int, placement: Placement | None) -> None:
        """Remember the placement for the next picture."""
        self._placements[number] = placement


def _followed(
    before: Placement, motion: Float[np.ndarray, "3 3"], target: TargetFeatures, features: ReferenceFeatures
) -> Placement | None:
    with deterministic():
        back = np.linalg.inv(motion)
        planes = []
        for plane in before.planes:
            x, y, _ = transform(faced(back, plane.points), plane.points[:, 0], plane.points[:, 1])
            points = np.stack([x, y], 1).astype(np.float32)
            planes.append(Plane(faced(plane.matrix @ motion, points), points))
        found = placed(target, tuple(planes), features)
        return None if found is None else _refitted(found)


def _refitted(found: Placement) -> Placement:
    """The same placement, with planes that lie where the flow leads, so that errors do not add up along the path."""
    x, y = found.grid()
    planes, flow = list(found.planes), found.flow.copy()
    for number, plane in enumerate(planes):
        own = found.label == number
        held = own & found.alike
        if held.sum() < _LEAST:
            continue
        start = np.stack([x[held], y[held]], 1)
        end = np.stack(transform(plane.matrix, *(start + found.flow[held]).T)[:2], 1)
        matrix, _ = cv2.findHomography(start, end, 0)
        if matrix is None or not is_regular(matrix):
            continue
        planes[number] = Plane(faced(matrix, plane.points), plane.points)
        here = np.stack([x[own], y[own]], 1)
        there = np.stack(transform(plane.matrix, *(here + found.flow[own]).T)[:2], 1)
        moved = np.stack(transform(np.linalg.inv(planes[number].matrix), *there.T)[:2], 1)
        flow[own] = (moved - here).astype(np.float32)
    return replace(found, planes=tuple(planes), flow=flow)
