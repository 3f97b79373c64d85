"""Our own texture encoder: what the light model matches (on the LR grid) and what it transfers (on finer ones)."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from srntt._shapes import Float
from srntt.image import enlarge, reduce, round_to_8bit

WINDOW = 9  # in which mean and contrast are taken
NOISE_FLOOR = 1e-3  # variance below which a window counts as flat; about (8/255)^2


class Description(NamedTuple):
    """What is matched: unit vectors, and the local contrast that was divided out of them."""

    descriptor: Float[Tensor, "b d h w"]
    contrast: Float[Tensor, "b 1 h w"]


class TextureEncoder(nn.Module):
    """Texture encoder of the light models.

    Matching features are computed on the LR grid (LR against the reduced reference, so that both sides hold the same
    frequency band, as in section 3.1 of the SRNTT paper), with local mean and contrast removed, so that exposure does
    not decide. Textures are the reference's own frequency bands, which keep every bit of its detail.

    Args:
        channels: width of the hidden layers.
        dimensions: length of a descriptor.
        scale: by which references are reduced to the LR grid.
    """

    #: LR pixels to each side that a descriptor depends on: four 3x3 convolutions, on a contrast in a 9x9 window of what
    #: differs from the mean in a 9x9 window.
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
        """Describe every position of a picture on the LR grid.

        Args:
            low_res: LR picture, or reduced reference, in [0, 1].
        """
        normalised, contrast = _remove_mean_and_contrast(low_res)
        descriptor = F.normalize(self.layers(normalised).float(), dim=1)
        return Description(descriptor, contrast)

    def describe_reference(self, reference: Float[Tensor, "b 3 H W"]) -> Description:
        """Describe a sharp picture as its LR picture, in 8 bits, would be described.

        Args:
            reference: in [0, 1]; height and width are multiples of the scale.
        """
        return self(round_to_8bit(reduce(reference, self.scale)))


def texture_bands(reference: Float[Tensor, "b 3 H W"], ratios: Sequence[int]) -> list[Float[Tensor, "b 3 _ _"]]:
    """Split a reference into its frequency bands: a Laplacian pyramid, whose enlarged sum is the reference.

    Args:
        reference: sharp picture in [0, 1], on the first of the grids; height and width are multiples of its ratio.
        ratios: of the bands' grids, the finest first; each divides the one before.
    """
    levels = [reference] + [reduce(reference, ratios[0] // ratio) for ratio in ratios[1:]]
    steps = [fine // coarse for fine, coarse in pairwise(ratios)]
    details = [fine - enlarge(coarse, step) for (fine, coarse), step in zip(pairwise(levels), steps, strict=True)]
    return [*details, levels[-1]]


def _remove_mean_and_contrast(
    picture: Float[Tensor, "b 3 h w"],
) -> tuple[Float[Tensor, "b 3 h w"], Float[Tensor, "b 1 h w"]]:
    centred = picture - _box_mean(picture)
    contrast = (_box_mean((centred * centred).mean(1, keepdim=True)) + NOISE_FLOOR).sqrt()
    return centred / contrast, contrast


def _box_mean(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
    radius = WINDOW // 2
    padded = F.pad(x, (radius, radius, radius, radius), mode="replicate")
    return F.avg_pool2d(F.avg_pool2d(padded, (WINDOW, 1), 1), (1, WINDOW), 1)
