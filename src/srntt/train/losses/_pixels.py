"""Losses on pixels: against the HR picture, and against the LR picture that the output must still explain."""

import torch.nn.functional as F
from torch import Tensor

from srntt._shapes import Float
from srntt.image import reduce

_HALF_LEVEL = 0.5 / 255
_TILE = 8  # LR positions along a side
_TEXTURE = 4 / 255  # deviation within an LR position at which a tile counts half


def l1(output: Float[Tensor, "b 3 H W"], target: Float[Tensor, "b 3 H W"]) -> Float[Tensor, ""]:
    """Mean absolute difference: the reconstruction loss of the paper (section 3.2), which takes it in [-1, 1].

    Of RGB in [0, 1] the value is half the paper's.
    """
    return (output - target).abs().mean()


def charbonnier(
    output: Float[Tensor, "b 3 H W"], target: Float[Tensor, "b 3 H W"], epsilon: float = 1e-3
) -> Float[Tensor, ""]:
    """Smoothed L1, mean of sqrt(d^2 + epsilon^2): differences well below epsilon cease to pull (Lai et al., LapSRN).

    Pictures are RGB in [0, 1]; an epsilon of 1e-3 is a quarter of a level of 255.
    """
    return ((output - target).square() + epsilon**2).sqrt().mean()


def lr_consistency(
    output: Float[Tensor, "b 3 H W"], low_res: Float[Tensor, "b 3 h w"], slack: float = _HALF_LEVEL
) -> Float[Tensor, ""]:
    """L1 between the output, reduced as LR pictures are (antialiased bicubic), and the LR picture that was given.

    Differences within ``slack`` owe nothing: the LR picture is rounded to 8 bits, and what rounding took away cannot be
    asked for. Pillow, which rounds between its two passes as well, can be off by twice that; `slack` of 1/255 then.

    Args:
        output: RGB in [0, 1]; sides are multiples of the LR picture's.
        low_res: RGB in [0, 1].
        slack: in units of the range.
    """
    reduced = reduce(output, output.shape[-1] // low_res.shape[-1])
    return ((reduced - low_res).abs() - slack).clamp(min=0).mean()


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
