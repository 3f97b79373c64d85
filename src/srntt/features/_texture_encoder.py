"""Texture encoder of the light models: descriptors for matching on the LR grid, frequency bands for transfer."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from srntt._shapes import Float
from srntt.image import enlarge, reduce, round_to_8bit

WINDOW = 9  # pixels on a side, for local mean and contrast
NOISE_FLOOR = 1e-3  # variance below which a window is treated as flat; about (8/255)^2


class Description(NamedTuple):
    """Unit descriptors of every position, and the local contrast by which the input was normalised."""

    descriptor: Float[Tensor, "b d h w"]
    contrast: Float[Tensor, "b 1 h w"]


class TextureEncoder(nn.Module):
    """Texture encoder of the light models.

    Descriptors are computed on the LR grid, from the low-res picture and the downsampled reference, so that both
    contain the same frequency band (section 3.1 of the SRNTT paper). Local mean and contrast are removed first, which
    makes them invariant to exposure. The textures themselves are frequency bands of the reference (`texture_bands`),
    which are lossless.

    Args:
        channels: Width of the hidden layers.
        dimensions: Length of a descriptor.
        scale: Factor by which references are downsampled to the LR grid.
    """

    #: Radius of the receptive field, in LR pixels: four 3x3 convolutions, a 9x9 window for the mean and another for
    #: the contrast.
    receptive_radius = 4 + 2 * (WINDOW // 2)

    def __init__(self, channels: int = 64, dimensions: int = 64, scale: int = 4) -> None:
        super().__init__()
        self.hidden, self.scale = channels, scale
        self.layers = nn.Sequential(
            nn.Conv2d(3, channels, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, dimensions, 3, padding=1),
        )

    def forward(self, low_res: Float[Tensor, "b 3 h w"]) -> Description:
        """Compute the descriptor of every position of a picture on the LR grid; the picture is in [0, 1]."""
        normalised, contrast = _remove_mean_and_contrast(low_res)
        descriptor = F.normalize(self.layers(normalised).float(), dim=1)
        return Description(descriptor, contrast)

    def describe_reference(self, reference: Float[Tensor, "b 3 H W"]) -> Description:
        """Compute the descriptors of a reference, downsampled to the LR grid and rounded to 8 bits.

        The reference is in [0, 1]; its height and width are multiples of the scale.
        """
        return self(round_to_8bit(reduce(reference, self.scale)))


def texture_bands(reference: Float[Tensor, "b 3 H W"], ratios: Sequence[int]) -> list[Float[Tensor, "b 3 _ _"]]:
    """Split a reference into frequency bands: a Laplacian pyramid, which sums to the reference once upsampled.

    Args:
        reference: In [0, 1], on the finest grid; height and width are multiples of the first ratio.
        ratios: Ratio of each band's grid to the LR grid, finest first; each ratio divides the one before it.
    """
    levels = [reference] + [reduce(reference, ratios[0] // ratio) for ratio in ratios[1:]]
    steps = [fine // coarse for fine, coarse in pairwise(ratios)]
    details = [fine - enlarge(coarse, step) for (fine, coarse), step in zip(pairwise(levels), steps, strict=True)]
    return [*details, levels[-1]]


def _remove_mean_and_contrast(
    picture: Float[Tensor, "b 3 h w"],
) -> tuple[Float[Tensor, "b 3 h w"], Float[Tensor, "b 1 h w"]]:
    centred = picture - box_mean(picture, WINDOW)
    contrast = (box_mean((centred * centred).mean(1, keepdim=True), WINDOW) + NOISE_FLOOR).sqrt()
    return centred / contrast, contrast


def box_mean(x: Float[Tensor, "b c h w"], window: int) -> Float[Tensor, "b c h w"]:
    """Return the mean over a square window around each position, an odd number on a side; edges are repeated."""
    radius = window // 2
    padded = F.pad(x, (radius, radius, radius, radius), mode="replicate")
    return F.avg_pool2d(F.avg_pool2d(padded, (window, 1), 1), (1, window), 1)
