"""Swapped feature maps M, one for each scale."""

from typing import NamedTuple

from torch import Tensor

from srntt._shapes import Float

#: VGG19 layers that are swapped, coarsest first.
SWAPPED_LAYERS = ("relu3_1", "relu2_1", "relu1_1")


class SwappedMaps(NamedTuple):
    """Swapped VGG19 feature maps M (Eq. 3), at 1x, 2x and 4x the LR grid."""

    small: Float[Tensor, "b 256 h w"]
    medium: Float[Tensor, "b 128 2*h 2*w"]
    large: Float[Tensor, "b 64 4*h 4*w"]
