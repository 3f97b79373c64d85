"""From two pictures to a placement."""

import numpy as np
from torch import Tensor

from srntt._shapes import Float
from srntt.views.aligned._compose import ALIKE, choose_planes, composed, see_through
from srntt.views.aligned._dense import LEAST
from srntt.views.aligned._flow import residual_flow
from srntt.views.aligned._keypoints import ReferenceFeatures, find_target_keypoints, luma, working_picture
from srntt.views.aligned._opencv import deterministic
from srntt.views.aligned._placement import Placement
from srntt.views.aligned._planes import Plane, find_planes, match_keypoints

_LEAST_SHARE = 0.01  # of the small picture that a plane must explain


def align(low_res: Float[Tensor, "3 h w"], features: ReferenceFeatures) -> Placement | None:
    """Find how a reference is placed against a small picture; None where nothing is found.

    Any scale from 1/8 to 8, any turn, tilt and exposure. The same pictures give the same placement, whatever the
    number of threads.

    Args:
        low_res: the small picture, in [0, 1].
        features: what `find_features` found in the reference.
    """
    # PAPER: references are scaled and rotated copies at most; here they are seen from where the small picture was.
    size = low_res.shape[1], low_res.shape[2]
    with deterministic():
        working = working_picture(low_res)
        mine, theirs = match_keypoints(find_target_keypoints(working, size), features.keypoints)
        planes = tuple(find_planes(mine, theirs))
        return _placed(luma(working), planes, size, features) if planes else None


def align_densely(
    low_res: Float[Tensor, "3 h w"],
    features: ReferenceFeatures,
    mine: Float[np.ndarray, "n 2"],
    theirs: Float[np.ndarray, "n 2"],
) -> Placement | None:
    """Find it by matches of another kind than keypoints.

    Args:
        low_res: the small picture, in [0, 1].
        features: what `find_features` found in the reference.
        mine: points (x, y) of the small picture.
        theirs: their matches in the reference.
    """
    with deterministic():
        planes = tuple(find_planes(mine, theirs, least=LEAST))
        gray, size = luma(working_picture(low_res)), (low_res.shape[1], low_res.shape[2])
        return _placed(gray, planes, size, features) if planes else None


def _placed(
    gray: Float[np.ndarray, "a b"], planes: tuple[Plane, ...], size: tuple[int, int], features: ReferenceFeatures
) -> Placement | None:
    """The planes that the pictures themselves bear out, and where; None for none."""
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
