"""Noise of sensors: Gaussian, in colour or grey, and that of counted photons."""

import torch
from torch import Tensor

from srntt._shapes import Float

_PHOTONS = 256.0  # that white is made of at strength 1: Real-ESRGAN's count for pictures that use all levels
_LUMA = (0.299, 0.587, 0.114)


def gaussian_noise(
    picture: Float[Tensor, "c h w"], sigma: float, grey: bool, generator: torch.Generator
) -> Float[Tensor, "c h w"]:
    """Add normal noise of deviation sigma, in units of the range; grey: the same in all channels."""
    shape = (1, *picture.shape[1:]) if grey else picture.shape
    return picture + sigma * torch.randn(shape, generator=generator, device=picture.device, dtype=picture.dtype)


def poisson_noise(
    picture: Float[Tensor, "3 h w"], strength: float, grey: bool, generator: torch.Generator
) -> Float[Tensor, "3 h w"]:
    """Add strength times what a count of 256 photons at white misses the picture by; grey: counted on its luma."""
    seen = picture.clamp(0, 1)
    if grey:
        seen = (seen * seen.new_tensor(_LUMA).view(3, 1, 1)).sum(0, keepdim=True)
    return picture + strength * (torch.poisson(seen * _PHOTONS, generator=generator) / _PHOTONS - seen)
