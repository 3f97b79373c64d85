"""What a network makes of a picture and what was sampled for it."""

from typing import NamedTuple

from torch import Tensor

from srntt._shapes import Float


class Fused(NamedTuple):
    """The output, and each candidate's share at each position: 0 not at all .. 1 fully; k = 0 without any."""

    picture: Float[Tensor, "b 3 H W"]
    share: Float[Tensor, "b k h w"]
