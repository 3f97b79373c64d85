"""How far a picture made with references agrees with the one made without."""

import torch
import torch.nn.functional as F
from torch import Tensor

from srntt._shapes import Float
from srntt.features import box_mean
from srntt.models.lite._config import LiteConfig

WINDOW = 17  # positions of the LR grid
RAMP = 0.2  # of the coefficient, over which trust rises from 0 to 1
SOFT, RICH = 0.8, 1.2  # energy of detail relative to the own, up to which it is trusted, and from which it is not
TINY = (0.25 / 255) ** 2  # detail that is too faint to compare


def agreement(
    own: Float[Tensor, "b 3 H W"], change: Float[Tensor, "b 3 H W"], config: LiteConfig
) -> Float[Tensor, "b 1 h w"]:
    """Trust in what references changed, 0 to 1, by how much of the model's own detail is left.

    A model trained on squared or absolute errors finds, without references, about the mean of all pictures that the
    small one may come from. The regression of the true detail on its own is then 1 (the error of a mean is uncorrelated
    with it). Right textures keep it: in windows of 45 pairs of photographs it is 0.71 to 1.32 (5 and 95 of 100), and
    least on print, 0.3 to 0.6, which the model misreads. Textures that contradict the small picture leave
    less, and put other detail in its place. Less detail of the same sign is no contradiction: the picture may be
    soft.

    Args:
        own: detail of the picture without references, beyond bicubic enlargement.
        change: what references change in that picture.
        config: with the scale, and the coefficient at which trust begins.
    """
    # PAPER: not treated; what matches is used.
    pairs = ((own, own), (own, change), (change, change))
    energy, shared, added = (_around(one * other, config.scale) for one, other in pairs)
    left = 1 + shared / (energy + TINY)
    rich = (energy + 2 * shared + added) / (energy + TINY)
    kept = (left - config.agreement) / RAMP
    soft = torch.minimum((RICH - rich) / (RICH - SOFT), left / RAMP)
    return torch.maximum(kept, soft).clamp(0, 1)


def _around(product: Float[Tensor, "b 3 H W"], scale: int) -> Float[Tensor, "b 1 h w"]:
    """Means over a window around each position of the LR grid."""
    return box_mean(F.avg_pool2d(product.mean(1, keepdim=True), scale), WINDOW)
