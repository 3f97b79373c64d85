"""The light models' discriminator: a U-Net that judges every part of a picture, on a grid of half its size."""

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from srntt._shapes import Float
from srntt.errors import InputError

_COARSEST = 16  # pixels of the picture to a position at the bottom of the U


class UNetDiscriminator(nn.Module):
    """Picture to a map of scores, higher where it is taken for real. For training only; starts in training mode.

    As in Real-ESRGAN (arXiv:2107.10833, section 3.4): a U-Net with skips, so that each position receives its own
    score, and spectral norm, so that it cannot outrun the generator. Cheaper: pixels are folded 2x2 into channels at
    the door, where nothing is lost, and all else runs on the quarter of the positions. It has no batch normalisation:
    scores of a picture depend on it alone.

    Args:
        channels: width on the finest grid; 2, 4 and 6 times that below.

    Example:
        >>> import torch
        >>> UNetDiscriminator()(torch.rand(2, 3, 64, 96)).shape
        torch.Size([2, 1, 32, 48])
    """

    def __init__(self, channels: int = 32) -> None:
        super().__init__()
        one, two, four, six = (factor * channels for factor in (1, 2, 4, 6))
        self.head = _normed(12, one, 3)
        self.down = nn.ModuleList([_normed(one, two, 4), _normed(two, four, 4), _normed(four, six, 4)])
        self.up = nn.ModuleList([_normed(six, four, 3), _normed(four, two, 3), _normed(two, one, 3)])
        self.tail = _normed(one, one, 3)
        self.score = nn.Conv2d(one, 1, 3, padding=1)

    def forward(self, image: Float[Tensor, "b 3 H W"]) -> Float[Tensor, "b 1 H2 W2"]:
        """Score of each 2x2 pixels of RGB in [0, 1], any real number; InputError for sides not multiples of 16."""
        height, width = image.shape[-2:]
        if height % _COARSEST or width % _COARSEST:
            raise InputError(f"A picture of {width}x{height}; this discriminator takes multiples of {_COARSEST}.")
        x = _active(self.head(F.pixel_unshuffle(image * 2 - 1, 2)))
        passed: list[Tensor] = []
        for step in self.down:
            passed.append(x)
            x = _active(step(x))
        for step in self.up:
            x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
            x = _active(step(x)) + passed.pop()
        return self.score(_active(self.tail(x))).float()


def _active(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
    return F.leaky_relu(x, 0.2)


def _normed(channels: int, width: int, side: int) -> nn.Module:
    """Convolution of spectral norm 1 without bias: of side 3 on the same grid, of side 4 to half of it."""
    return spectral_norm(nn.Conv2d(channels, width, side, stride=side - 2, padding=1, bias=False))
