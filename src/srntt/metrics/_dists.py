"""DISTS, deep image structure and texture similarity: Ding, Ma, Wang and Simoncelli 2020 (arXiv:2004.07728), Eq. 1-8.

VGG16 with its max poolings replaced by L2 poolings; each channel of each stage, and of the picture itself, is compared
by its mean (texture) and by its correlation (structure), and learned weights add that up. Papers differ in the size at
which they take it: the authors' script reduces the shorter side to 256 pixels, their library and pyiqa do not, and
neither does this.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from srntt._shapes import Float
from srntt.metrics._backbones import backbone_shapes, prepared, stage_channels, stage_maps

_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_C1 = _C2 = 1e-6
_CHANNELS = 3 + sum(stage_channels("vgg16"))  # the picture's own, and those of the stages


@dataclass(frozen=True, eq=False)
class DistsWeights:
    """VGG16's convolutions, and the weights of texture (alpha) and structure (beta) of all channels in a row."""

    vgg16: Mapping[str, Tensor]
    alpha: Float[Tensor, "1475"]
    beta: Float[Tensor, "1475"]

    @staticmethod
    def shapes() -> dict[str, dict[str, tuple[int, ...]]]:
        """Shape of each tensor of the network, and of those of DISTS."""
        return {"vgg16": backbone_shapes("vgg16"), "dists": {"alpha": (_CHANNELS,), "beta": (_CHANNELS,)}}


@torch.inference_mode()
def dists(
    output: Float[np.ndarray, "3 H W"],
    target: Float[np.ndarray, "3 H2 W2"],
    weights: DistsWeights,
    *,
    crop: int = 0,
) -> float:
    """Distance of two pictures in [0, 1], 0 where they are equal; lower is better.

    Args:
        output: RGB in [0, 1].
        target: RGB in [0, 1], of the same size, which is not changed.
        weights: as `load_dists` reads them.
        crop: pixels left out at each edge.

    Raises:
        InputError: sizes differ, or less than 16x16 pixels are left.
    """
    pictures = prepared("vgg16", output, target, crop)
    mean, deviation = (torch.tensor(values).view(1, 3, 1, 1) for values in (_MEAN, _DEVIATION))
    first, second = ((x - mean) / deviation for x in pictures)
    texture, structure = zip(
        *(_similarity(x, y) for x, y in (pictures, *stage_maps("vgg16", weights.vgg16, first, second, _l2_pooling))),
        strict=True,
    )
    alpha, beta = weights.alpha.double(), weights.beta.double()
    similarity = alpha @ torch.cat(texture) + beta @ torch.cat(structure)
    return float(1 - similarity / (alpha.sum() + beta.sum()))


def _similarity(
    x: Float[Tensor, "1 c h w"], y: Float[Tensor, "1 c h w"]
) -> tuple[Float[Tensor, "c"], Float[Tensor, "c"]]:
    """Eq. 6, of texture, and Eq. 7, of structure, channel by channel."""
    mean_x, mean_y = (z.mean((0, 2, 3), dtype=torch.float64) for z in (x, y))
    centred_x, centred_y = x - mean_x.float().view(1, -1, 1, 1), y - mean_y.float().view(1, -1, 1, 1)
    variance_x, variance_y, covariance = (
        product.mean((0, 2, 3), dtype=torch.float64)
        for product in (centred_x.square(), centred_y.square(), centred_x * centred_y)
    )
    texture = (2 * mean_x * mean_y + _C1) / (mean_x**2 + mean_y**2 + _C1)
    structure = (2 * covariance + _C2) / (variance_x + variance_y + _C2)
    return texture, structure


def _l2_pooling(x: Float[Tensor, "1 c h w"], side: int) -> Float[Tensor, "1 c h2 w2"]:
    """Root of the Hann-weighted mean of squares, stride 2, 3x3 whatever the side of the max pooling it replaces."""
    window = torch.tensor([[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]]) / 16
    kernel = window.repeat(x.shape[1], 1, 1, 1)
    return (F.conv2d(x.square(), kernel, stride=2, padding=1, groups=x.shape[1]) + 1e-12).sqrt()
