"""Transfer of reference textures through matches: swapped feature maps M_l, and sampling at sub-position accuracy."""

from srntt.transfer._local_frames import REFINED_AT_ONCE, SMOOTH, local_frames, refine_match, sample_blocks
from srntt.transfer._swap import SWAPPED_LAYERS, SwappedMaps, swap

__all__ = ["SwappedMaps", "swap"]
