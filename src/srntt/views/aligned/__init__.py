"""Views by geometry: a reference as it would look from where the small picture was taken."""

from srntt.views.aligned._align import align, align_densely, place
from srntt.views.aligned._costs import dense_matches_bytes, placing_bytes
from srntt.views.aligned._dense import MOST_POSITIONS, dense_matches
from srntt.views.aligned._keypoints import (
    Keypoints,
    TargetFeatures,
    detect,
    find_features,
    find_target_features,
    gray_at_most,
)
from srntt.views.aligned._matches import match_descriptors
from srntt.views.aligned._motion import plane_motion, search_flow
from srntt.views.aligned._opencv import deterministic
from srntt.views.aligned._original import Original
from srntt.views.aligned._placement import Placement
from srntt.views.aligned._planes import Plane, find_planes
from srntt.views.aligned._track import Track
from srntt.views.aligned._upright import UprightView
from srntt.views.aligned._view import AlignedView

__all__ = ["AlignedView", "Placement", "align", "find_features"]
