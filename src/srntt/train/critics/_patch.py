"""The paper's discriminator: the critic of WGAN-GP (section 3.2, adversarial loss)."""

import math

import torch.nn.functional as F
from torch import Tensor, nn

from srntt._shapes import Float
from srntt.errors import InputError
from srntt.models.paper import batch_norm

_WIDTHS = (32, 64, 128, 256, 512)
_SMALLEST, _LARGEST = 32, 1024


class Discriminator(nn.Module):
    """Picture to a score, higher for those it takes for real. For training only; starts in training mode.

    Five times [conv3, BN, leaky ReLU 0.2, conv3 of stride 2, BN, leaky ReLU 0.2] with 32 to 512 channels, then dense
    layers of 1024 and 1.

    Args:
        size: side in pixels of the square pictures, 32..1024: the dense layers fix it. The paper's crops have 160.

    Raises:
        InputError: a size outside that range.

    Example:
        >>> import torch
        >>> tuple(Discriminator(size=64)(torch.rand(2, 3, 64, 64)).shape)
        (2,)
    """

    def __init__(self, size: int = 160) -> None:
        super().__init__()
        if not _SMALLEST <= size <= _LARGEST:
            raise InputError(f"A discriminator for {size} pixels; allowed are {_SMALLEST} to {_LARGEST}.")
        self.size = size
        channels = 3
        steps: list[nn.Module] = []
        for width in _WIDTHS:
            steps += [_ConvNorm(channels, width, stride=1), _ConvNorm(width, width, stride=2)]
            channels = width
        self.convolutions = nn.Sequential(*steps)
        side = math.ceil(size / 2 ** len(_WIDTHS))
        self.dense = nn.Linear(channels * side**2, 1024)
        self.score = nn.Linear(1024, 1)

    def forward(self, image: Float[Tensor, "b 3 H W"]) -> Float[Tensor, " b"]:
        """Score of each RGB picture in [0, 1], any real number; InputError for one of another size."""
        if image.shape[-2:] != (self.size, self.size):
            height, width = image.shape[-2:]
            raise InputError(f"A picture of {width}x{height}; this discriminator takes {self.size}x{self.size}.")
        x = self.convolutions(image * 2 - 1)
        return self.score(F.leaky_relu(self.dense(x.flatten(1)), 0.2))[:, 0]


class _ConvNorm(nn.Module):
    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        # PAPER: TensorFlow's SAME pads an even size by (0,1) at stride 2, this by (1,1): a shift of one pixel,
        # learned around.
        self.conv = nn.Conv2d(channels, width, 3, stride, padding=1, bias=False)
        self.norm = batch_norm(width)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b _ _ _"]:
        return F.leaky_relu(self.norm(self.conv(x)), 0.2)
