"""Losses on pixels: against the HR picture, and against the LR picture that the output must still explain."""

from torch import Tensor

from srntt._shapes import Float
from srntt.image import reduce

_HALF_LEVEL = 0.5 / 255


def l1(output: Float[Tensor, "b 3 H W"], target: Float[Tensor, "b 3 H W"]) -> Float[Tensor, ""]:
    """Mean absolute difference: the reconstruction loss of the paper (section 3.2), which takes it in [-1, 1].

    Args:
        output: RGB; in [0, 1] the value is half the paper's.
        target: RGB in the same range.
    """
    return (output - target).abs().mean()


def charbonnier(
    output: Float[Tensor, "b 3 H W"], target: Float[Tensor, "b 3 H W"], epsilon: float = 1e-3
) -> Float[Tensor, ""]:
    """Smoothed L1, mean of sqrt(d^2 + epsilon^2): differences well below epsilon cease to pull (Lai et al., LapSRN).

    Args:
        output: RGB in [0, 1].
        target: RGB in [0, 1].
        epsilon: where L1 turns into a square; 1e-3 is a quarter of a level of 255.
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
