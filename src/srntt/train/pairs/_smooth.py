"""Smooth pictures, made by the program: skies, walls and shadows without any texture of their own."""

import torch
import torch.nn.functional as F
from torch import Tensor

from srntt._shapes import Float
from srntt.image import enlarge

_KNOTS = 4  # along a side
_MOST_NOISE = 5 / 255  # deviation


def smooth_pictures(
    side: int, scale: int, streams: list[torch.Generator], noisy: bool = True
) -> Float[Tensor, "b 3 s s"]:
    """Flat pictures, ramps and soft blobs of any brightness, dark ones more often; one for each stream.

    If ``noisy``, half of them have the noise of an LR picture, enlarged.
    """
    return torch.stack([_smooth_picture(side, scale, stream, noisy) for stream in streams])


def _smooth_picture(side: int, scale: int, stream: torch.Generator, noisy: bool) -> Float[Tensor, "3 s s"]:
    brightness, contrast, noise = torch.rand(3, generator=stream)
    colour = 0.1 * torch.randn(3, 1, 1, generator=stream)
    knots = torch.randn(3, _KNOTS, _KNOTS, generator=stream) * 0.1 * contrast.square()
    soft = F.interpolate(knots[None], size=(side, side), mode="bicubic", align_corners=True)[0]
    picture = brightness**2 * (1 + colour + soft)
    if not noisy:
        return picture.clamp(0, 1)
    grid = torch.randn(1, 3, side // scale, side // scale, generator=stream)
    deviation = (noise - 0.5).clamp(min=0) * 2 * _MOST_NOISE
    return (picture + deviation * enlarge(grid, scale)[0]).clamp(0, 1)
