"""What precision losses are computed in."""

import torch
from torch import Tensor

from srntt._shapes import Float


def exact(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """At least float32: differences of bfloat16 values, which have three digits, are mostly rounding."""
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x
