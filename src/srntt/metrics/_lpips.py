"""LPIPS, learned perceptual image patch similarity: version 0.1 with trained linear heads (``lin``), VGG16 or AlexNet.

Zhang et al. 2018, "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", Eq. 1. Papers on
reference-based super-resolution report VGG16; the authors recommend AlexNet for comparisons.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from srntt._shapes import Float
from srntt.metrics._backbones import Backbone, backbone_shapes, prepared, stage_channels, stage_maps

# The authors' scaling layer, for pictures in [-1, 1].
_SHIFT, _SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
_EPSILON = 1e-10


@dataclass(frozen=True, eq=False)
class LpipsWeights:
    """Weights of LPIPS.

    Attributes:
        backbone: The network.
        tensors: Its convolutions (conv0.weight, ...), and for each stage a head (head0, head1, ...) with one
            non-negative weight for each channel.
    """

    backbone: Backbone
    tensors: Mapping[str, Tensor]

    @staticmethod
    def shapes(backbone: Backbone) -> dict[str, tuple[int, ...]]:
        """Return the shape of each tensor by name."""
        heads = {f"head{stage}": (channels,) for stage, channels in enumerate(stage_channels(backbone))}
        return backbone_shapes(backbone) | heads


@torch.inference_mode()
def lpips(
    output: Float[np.ndarray, "3 H W"],
    target: Float[np.ndarray, "3 H2 W2"],
    weights: LpipsWeights,
    *,
    crop: int = 0,
) -> float:
    """Calculate the LPIPS distance: 0 for identical pictures, rarely above 1, lower is better.

    The network runs in float32; means are taken in float64.

    Args:
        output: RGB in [0, 1].
        target: RGB in [0, 1], of the same size.
        weights: Weights as returned by `load_lpips`.
        crop: Pixels excluded at each edge.

    Raises:
        InputError: The sizes differ, or fewer than 16x16 (VGG16) or 31x31 (AlexNet) pixels are left after cropping.
    """
    shift, scale = (torch.tensor(values).view(1, 3, 1, 1) for values in (_SHIFT, _SCALE))
    first, second = ((2 * x - 1 - shift) / scale for x in prepared(weights.backbone, output, target, crop))
    distance = 0.0
    for stage, (x, y) in enumerate(stage_maps(weights.backbone, weights.tensors, first, second)):
        difference = (_unit(x) - _unit(y)) ** 2
        by_channel = difference.mean((0, 2, 3), dtype=torch.float64)
        distance += float(by_channel @ weights.tensors[f"head{stage}"].double())
    return distance


def _unit(x: Float[Tensor, "1 c h w"]) -> Float[Tensor, "1 c h w"]:
    """Normalise the channel vector of each position; torch's `normalize` applies its epsilon differently."""
    return x / (x.square().sum(1, keepdim=True).sqrt() + _EPSILON)
