"""Loss against lattices: patterns that repeat with the sub-pixel grid of the tail of an upscaler."""

import torch.nn.functional as F
from torch import Tensor

from srntt._shapes import Float

_TILE = 8  # LR positions along a side
_TEXTURE = 4 / 255  # deviation within an LR position at which a tile counts half


def lattice(output: Float[Tensor, "b 3 H W"], target: Float[Tensor, "b 3 H W"], scale: int) -> Float[Tensor, ""]:
    """Mean absolute error of the phase means: that part of the error that repeats at each sub-pixel of an LR position.

    An upscaler that rearranges channels into pixels may add a constant to each sub-pixel: a lattice, visible in skies
    and walls. Here the error is averaged over each of the sub-pixels in tiles of 8 x 8 LR positions; what these
    means differ by from their own mean is the lattice. Tiles count by 1 / (1 + (s / 4 levels)^2), where s is
    the deviation of the target within LR positions: in texture, such a mean is mostly chance.

    Args:
        output: RGB in [0, 1]; sides of at least one tile. What does not fill a tile at the right and bottom is ignored.
        target: RGB in [0, 1].
        scale: of the model.
    """
    phases = F.pixel_unshuffle(output - target, scale).unflatten(1, (3, scale**2))
    means = F.avg_pool2d(phases.flatten(1, 2), _TILE).unflatten(1, (3, scale**2))
    error = (means - means.mean(2, keepdim=True)).abs().mean((1, 2))
    within = F.pixel_unshuffle(target, scale).unflatten(1, (3, scale**2)).var(2, correction=0).mean(1)
    weight = 1 / (1 + F.avg_pool2d(within, _TILE) / _TEXTURE**2)
    return (weight * error).sum() / weight.sum()
