"""What is taken of what the model makes of a base: all of it where the base lacks detail or a reference has some."""

import torch
import torch.nn.functional as F
from torch import Tensor

from srntt._shapes import Float
from srntt.image import enlarge

_AROUND = 2  # LR positions on each side that detail is averaged over
_LEAST, _ENOUGH = 0.3, 0.9  # of the detail's energy: the base lacks it all, and nothing
_SHARE = 4.0  # a quarter of the gate open, and the model is followed in full
_NOTHING = 1e-9


def blend_with_base(
    low_res: Float[Tensor, "b 3 h w"],
    base: Float[Tensor, "b 3 H W"],
    made: Float[Tensor, "b 3 H W"],
    share: Float[Tensor, "b k h w"],
) -> Float[Tensor, "b 3 H W"]:
    """A base as detailed as what the model makes of it passes unchanged; bicubic as base gives way to the model.

    Measured on five wide views, DAT-light as base: without a reference the model costs .03 dB against the base alone,
    and this nothing; with one, following the model everywhere gives 31.246 dB, this 31.254, and adding to the base what
    the reference changed in the model's output 31.184.

    ``share`` has no candidates without references.
    """
    scale = base.shape[2] // low_res.shape[2]
    plain = enlarge(low_res, scale)
    has = _energy(base - plain, scale) / (_energy(made - plain, scale) + _NOTHING)
    weight = ((_ENOUGH - has) / (_ENOUGH - _LEAST)).clamp(0, 1)
    if share.shape[1]:
        brought = _averaged(share.sum(1, keepdim=True), 1)
        weight = torch.maximum(weight, (_SHARE * brought).clamp(0, 1))
    return base + F.interpolate(weight, scale_factor=scale) * (made - base)


def _energy(detail: Float[Tensor, "b 3 H W"], scale: int) -> Float[Tensor, "b 1 h w"]:
    return _averaged(F.avg_pool2d(detail.square().mean(1, keepdim=True), scale), _AROUND)


def _averaged(x: Float[Tensor, "b 1 h w"], around: int) -> Float[Tensor, "b 1 h w"]:
    return F.avg_pool2d(x, 2 * around + 1, 1, around, count_include_pad=False)
