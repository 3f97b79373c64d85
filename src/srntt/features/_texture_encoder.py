"""Our own texture encoder: what the light model matches (1x) and what it transfers (1x, 2x and 4x the LR grid)."""

from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from srntt._shapes import Float
from srntt.image import enlarge, reduce, round_to_8bit

_WINDOW = 9
_NOISE_FLOOR = 1e-3  # variance below which a window counts as flat; about (8/255)^2


class Description(NamedTuple):
    """What is matched: unit vectors, and the local contrast that was divided out of them."""

    descriptor: Float[Tensor, "b d h w"]
    contrast: Float[Tensor, "b 1 h w"]


class TextureBands(NamedTuple):
    """What is transferred: the Laplacian pyramid of a reference, one level a scale. Their upsampled sum is the
    reference.
    """

    low: Float[Tensor, "b 3 h w"]
    middle: Float[Tensor, "b 3 h2 w2"]
    high: Float[Tensor, "b 3 h4 w4"]


class TextureEncoder(nn.Module):
    """Three-level texture encoder of the light models.

    Matching features are computed on the LR grid (LR against the reference reduced 4x, so that both sides hold the same
    frequency band, as in section 3.1 of the SRNTT paper), with local mean and contrast removed, so that exposure does
    not decide. Textures are the reference's own frequency bands, which keep every bit of its detail.

    Args:
        channels: width of the hidden layers.
        dimensions: length of a descriptor.
    """

    #: LR pixels to each side that a descriptor depends on: four 3x3 convolutions, on a contrast in a 9x9 window of what
    #: differs from the mean in a 9x9 window.
    receptive_radius = 4 + 2 * (_WINDOW // 2)

    def __init__(self, channels: int = 64, dimensions: int = 64) -> None:
        super().__init__()
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
            low_res: LR picture, or reference reduced 4x, in [0, 1].
        """
        normalised, contrast = _remove_mean_and_contrast(low_res)
        descriptor = F.normalize(self.layers(normalised).float(), dim=1)
        return Description(descriptor, contrast)

    def describe_reference(self, reference: Float[Tensor, "b 3 H W"]) -> Description:
        """Describe a sharp picture as its LR picture, in 8 bits, would be described.

        Args:
            reference: in [0, 1]; height and width are multiples of 4.
        """
        return self(round_to_8bit(reduce(reference, 4)))


def texture_bands(reference: Float[Tensor, "b 3 H W"]) -> TextureBands:
    """Split a reference into the bands that live at 1x, 2x and 4x of the LR grid.

    Args:
        reference: sharp picture in [0, 1]; height and width are multiples of 4.
    """
    half = reduce(reference, 2)
    quarter = reduce(reference, 4)
    return TextureBands(quarter, half - enlarge(quarter, 2), reference - enlarge(half, 2))


def _remove_mean_and_contrast(
    picture: Float[Tensor, "b 3 h w"],
) -> tuple[Float[Tensor, "b 3 h w"], Float[Tensor, "b 1 h w"]]:
    centred = picture - _box_mean(picture)
    contrast = (_box_mean((centred * centred).mean(1, keepdim=True)) + _NOISE_FLOOR).sqrt()
    return centred / contrast, contrast


def _box_mean(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
    radius = _WINDOW // 2
    padded = F.pad(x, (radius, radius, radius, radius), mode="replicate")
    return F.avg_pool2d(F.avg_pool2d(padded, (_WINDOW, 1), 1), (1, _WINDOW), 1)
