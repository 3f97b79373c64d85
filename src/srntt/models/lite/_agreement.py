"""How far a picture made with references agrees with the one made without."""

import torch
import torch.nn.functional as F
from torch import Tensor

from srntt._shapes import Float
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
    with it). Right textures keep it: in windows of 49 photographs of the same scenes it is 0.65 to 1.3 (5 and 95 of
    100), and least on print, 0.3 to 0.6, which the model misreads. Textures that contradict the small picture leave
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
    reach = WINDOW // 2
    pooled = F.avg_pool2d(product.mean(1, keepdim=True), scale)
    padded = F.pad(pooled, (reach, reach, reach, reach), mode="replicate")
    return F.avg_pool2d(F.avg_pool2d(padded, (WINDOW, 1), 1), (1, WINDOW), 1)
