"""DISTS, deep image structure and texture similarity: Ding, Ma, Wang and Simoncelli 2020 (arXiv:2004.07728), Eq. 1-8.

VGG16 with L2 pooling instead of max pooling. Each channel of each stage, and of the picture itself, is compared by its
mean (texture) and its correlation (structure); the result is their weighted sum, with learned weights. The authors'
script first resizes the shorter side to 256 pixels; their library, pyiqa and this implementation do not.
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
_CHANNELS = 3 + sum(stage_channels("vgg16"))  # RGB, then the stages


@dataclass(frozen=True, eq=False)
class DistsWeights:
    """Weights of DISTS.

    Attributes:
        vgg16: Convolutions of VGG16.
        alpha: Weight of the texture term of each channel: RGB first, then stage by stage.
        beta: Weight of the structure term, likewise.
    """

    vgg16: Mapping[str, Tensor]
    alpha: Float[Tensor, "1475"]
    beta: Float[Tensor, "1475"]

    @staticmethod
    def shapes() -> dict[str, dict[str, tuple[int, ...]]]:
        """Return the shape of each tensor, of the network (``vgg16``) and of the heads (``dists``)."""
        return {"vgg16": backbone_shapes("vgg16"), "dists": {"alpha": (_CHANNELS,), "beta": (_CHANNELS,)}}


@torch.inference_mode()
def dists(
    output: Float[np.ndarray, "3 H W"],
    target: Float[np.ndarray, "3 H2 W2"],
    weights: DistsWeights,
    *,
    crop: int = 0,
) -> float:
    """Calculate the DISTS distance: 0 for identical pictures, lower is better.

    Args:
        output: RGB in [0, 1].
        target: RGB in [0, 1], of the same size. Neither picture is resized.
        weights: Weights as returned by `load_dists`.
        crop: Pixels excluded at each edge.

    Raises:
        InputError: The sizes differ, or fewer than 16x16 pixels are left after cropping.
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
    """Calculate the similarity of texture (Eq. 6) and of structure (Eq. 7) for each channel."""
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
    """Take the root of the Hann-weighted mean of squares; 3x3, stride 2, whatever `side` is."""
    window = torch.tensor([[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]]) / 16
    kernel = window.repeat(x.shape[1], 1, 1, 1)
    return (F.conv2d(x.square(), kernel, stride=2, padding=1, groups=x.shape[1]) + 1e-12).sqrt()
