"""From two pictures to a placement."""

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from srntt._shapes import Float
from srntt.views.aligned._compose import ALIKE, choose_planes, composed, see_through
from srntt.views.aligned._dense import LEAST
from srntt.views.aligned._flow import residual_flow
from srntt.views.aligned._keypoints import (
    Keypoints,
    Level,
    ReferenceFeatures,
    TargetFeatures,
    find_target_features,
)
from srntt.views.aligned._matches import match_keypoints
from srntt.views.aligned._opencv import deterministic, in_parallel
from srntt.views.aligned._placement import Placement
from srntt.views.aligned._planes import MOST_PLANES, Plane, find_planes

_NEAR = 2.2  # times as large as the small picture: levels of the reference that are searched first
_FINE = 1.4  # pixels of the largest of these for one of the small picture, if they are to be enough
_ENOUGH = 30  # matches of keypoints on planes, if they are to be enough
_LEAST_AGREED = 6  # different points that a plane stands on, if their matches also agree in size and direction
_LEAST_SHARE = 0.01  # of the small picture that a plane must explain


def align(low_res: Float[Tensor, "3 h w"], features: ReferenceFeatures) -> Placement | None:
    """Find how a reference is placed against a small picture; None where nothing is found.

    Any scale from 1/8 to 8, any turn, tilt and exposure. The same pictures give the same placement, whatever the
    number of threads.

    Args:
        low_res: the small picture, in [0, 1].
        features: what `find_features` found in the reference.
    """
    return place(find_target_features(low_res), features)


def place(target: TargetFeatures, features: ReferenceFeatures) -> Placement | None:
    """As `align`, of a small picture that is prepared."""
    # PAPER: references are scaled and rotated copies at most; here they are seen from where the small picture was.
    with deterministic():
        return placed(target, _keypoint_planes(target, features.levels), features)


def align_densely(
    target: TargetFeatures,
    features: ReferenceFeatures,
    mine: Float[np.ndarray, "n 2"],
    theirs: Float[np.ndarray, "n 2"],
) -> Placement | None:
    """Find it by points (x, y) of both that match, found in another way than keypoints."""
    with deterministic():
        return placed(target, tuple(find_planes(mine, theirs, least=LEAST)), features)


def _keypoint_planes(target: TargetFeatures, levels: Sequence[Level]) -> tuple[Plane, ...]:
    """Those that the levels of about the size of the small picture show; where these do not suffice, those of all
    levels and of the small picture enlarged further, among matches that agree. Where there are few points, matches at
    several sizes also count several times: what is seen again at another size is more likely right.
    """
    longest = _NEAR * max(target.gray.shape)
    near = [level for level in levels if max(level.gray.shape) <= longest]
    matches = match_keypoints(target.keypoints, _keypoints(near)).once_each()
    planes = list(find_planes(matches.mine, matches.theirs))
    if _are_enough(planes) and _are_fine(planes, near):
        return tuple(planes)
    agreed = match_keypoints(target.more_keypoints, _keypoints(levels), loosely=True).agreed()
    matches = agreed.once_each()
    planes = list(find_planes(matches.mine, matches.theirs, _LEAST_AGREED))
    if not _are_enough(planes):
        planes += find_planes(agreed.mine, agreed.theirs, _LEAST_AGREED)
    return tuple(planes[:MOST_PLANES])


def _keypoints(levels: Sequence[Level]) -> list[Keypoints]:
    return in_parallel(lambda level: level.keypoints, levels)


def _are_enough(planes: Sequence[Plane]) -> bool:
    """Whether these planes stand on many points."""
    return sum(plane.support for plane in planes) >= _ENOUGH


def _are_fine(planes: Sequence[Plane], levels: Sequence[Level]) -> bool:
    """Whether the levels show these planes as finely as the small picture does."""
    reduction = max(levels[0].gray.shape) / max(levels[0].size)
    return all(plane.scale * reduction >= _FINE for plane in planes)


def placed(target: TargetFeatures, planes: tuple[Plane, ...], features: ReferenceFeatures) -> Placement | None:
    """The planes that the pictures themselves bear out, and where; None for none."""
    if not planes:
        return None
    gray, size = target.gray, target.size
    seen = [see_through(plane, gray.shape, features, size) for plane in planes]
    scores = np.stack([one.correlation(gray) for one in seen])
    kept = np.flatnonzero((scores > ALIKE).mean((1, 2)) >= _LEAST_SHARE)
    if not len(kept):
        return None
    seen = [seen[number] for number in kept]
    label = choose_planes(scores[kept])
    whole = composed(seen, label)
    flow = residual_flow(gray, whole.gray)
    score = np.maximum(whole.correlation(gray), whole.moved(flow).correlation(gray))
    alike = score > ALIKE
    if alike.mean() < _LEAST_SHARE:
        return None
    flow = flow * np.array([size[1] / gray.shape[1], size[0] / gray.shape[0]], np.float32)
    return Placement(size, features.size, tuple(planes[number] for number in kept), label, flow, alike, score)
