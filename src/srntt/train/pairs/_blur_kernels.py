"""Blur kernels of real cameras and of sharpening and resizing programs (Real-ESRGAN, arXiv:2107.10833, section 3)."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from srntt._shapes import Float, Int64
from srntt.train.pairs._draws import Draws

RADIUS = 10  # of the largest kernel, 21x21
_LEAST_RADIUS = 3
_WIDE = 6  # from this radius on, sinc kernels may cut lower


@dataclass(frozen=True)
class KernelRange:
    """What kernels blur.

    Attributes:
        sigma: of the Gaussians, in pixels, along each axis.
        sinc: share of sinc kernels, which ring and overshoot.
        shapes: weights of Gaussian, generalised Gaussian and plateau-shaped kernels.
        round: share of kernels alike in all directions.
        generalised: exponents of the generalised Gaussian; half of the draws are below 1.
        plateau: exponents of the plateau, drawn alike.
    """

    sigma: tuple[float, float] = (0.2, 3.0)
    sinc: float = 0.1
    shapes: tuple[float, float, float] = (0.7, 0.15, 0.15)
    round: float = 0.68
    generalised: tuple[float, float] = (0.5, 4.0)
    plateau: tuple[float, float] = (1.0, 2.0)


def draw_kernels(limits: KernelRange, draws: Draws) -> Float[Tensor, "n k k"]:
    """A kernel a sample, of sum one; k is odd, that of the largest."""
    radius = _draw_radius(draws)
    kernels = torch.where(draws.chance(limits.sinc)[:, None, None], _sincs(radius, draws), _bells(limits, draws))
    return _cut(kernels, radius)


def draw_sincs(draws: Draws) -> Float[Tensor, "n k k"]:
    """A sinc kernel a sample, of sum one."""
    radius = _draw_radius(draws)
    return _cut(_sincs(radius, draws), radius)


def blur(pictures: Float[Tensor, "n c h w"], kernels: Float[Tensor, "n k k"]) -> Float[Tensor, "n c h w"]:
    """Correlate each picture, of more than k // 2 pixels each way, with its kernel of sum one; edges are mirrored."""
    radius = kernels.shape[-1] // 2
    padded = F.pad(pictures, (radius,) * 4, mode="reflect")
    size = (padded.shape[-2], padded.shape[-1])
    # By Fourier: of 160x160 pixels and the largest kernel, a tenth of the time of sums on a CPU. Correlating is
    # convolving with the kernel turned round; what wraps around falls on the padding.
    turned = kernels.flip(-1, -2).to(pictures.device, pictures.dtype, non_blocking=True)[:, None]
    spectrum = torch.fft.rfft2(padded) * torch.fft.rfft2(turned, s=size)
    return torch.fft.irfft2(spectrum, s=size)[..., 2 * radius :, 2 * radius :]


def sinc_kernel(cutoff: Float[Tensor, " n"]) -> Float[Tensor, "n 21 21"]:
    """Circular low pass: w J1(w r) / (2 pi r), w the cutoff in radians a pixel (section 3.3)."""
    y, x = _grid()
    distance = (x.square() + y.square()).sqrt()
    w = cutoff.double()[:, None, None]
    ring = w * torch.special.bessel_j1(w * distance) / (2 * math.pi * distance.clamp(min=1e-9))
    return torch.where(distance == 0, w.square() / (4 * math.pi), ring).float()


def bell_kernel(
    sigma: Float[Tensor, "n 2"],
    angle: Float[Tensor, " n"],
    shape: Int64[Tensor, " n"],
    exponent: Float[Tensor, " n"],
) -> Float[Tensor, "n 21 21"]:
    """exp(-q/2), exp(-q^b/2) or 1 / (1 + q^b) of q = (u / sigma_1)^2 + (v / sigma_2)^2, not normalised (section 3.1).

    Args:
        sigma: along u and v, in pixels.
        angle: of u to x, in radians.
        shape: 0 Gaussian, 1 generalised Gaussian, 2 plateau.
        exponent: b.
    """
    y, x = _grid()
    cosine, sine = (f(angle.double())[:, None, None] for f in (torch.cos, torch.sin))
    first, second = (sigma.double()[:, axis, None, None] for axis in (0, 1))
    squared = ((cosine * x + sine * y) / first).square() + ((cosine * y - sine * x) / second).square()
    power = squared ** torch.where(shape == 0, 1.0, exponent.double())[:, None, None]
    return torch.where((shape == 2)[:, None, None], 1 / (1 + power), torch.exp(-power / 2)).float()


def _bells(limits: KernelRange, draws: Draws) -> Float[Tensor, "n 21 21"]:
    sigma = draws.uniform(limits.sigma, 2).clone()
    alike = draws.chance(limits.round)
    sigma[:, 1] = torch.where(alike, sigma[:, 0], sigma[:, 1])
    shape = draws.pick(limits.shapes)
    exponent = torch.where(shape == 1, _exponent(limits.generalised, draws), _exponent(limits.plateau, draws))
    return bell_kernel(sigma, draws.uniform((0.0, math.pi))[:, 0], shape, exponent)


def _exponent(limits: tuple[float, float], draws: Draws) -> Float[Tensor, " n"]:
    low, high = limits
    below, above = draws.uniform((low, max(low, min(1.0, high)))), draws.uniform((min(high, max(1.0, low)), high))
    return torch.where(draws.chance(0.5), below[:, 0], above[:, 0])


def _sincs(radius: Int64[Tensor, " n"], draws: Draws) -> Float[Tensor, "n 21 21"]:
    lowest = torch.where(radius < _WIDE, math.pi / 3, math.pi / 5)
    return sinc_kernel(lowest + (math.pi - lowest) * draws.uniform()[:, 0])


def _draw_radius(draws: Draws) -> Int64[Tensor, " n"]:
    return draws.pick([1.0] * (RADIUS - _LEAST_RADIUS + 1)) + _LEAST_RADIUS


def _cut(kernels: Float[Tensor, "n 21 21"], radius: Int64[Tensor, " n"]) -> Float[Tensor, "n k k"]:
    """To each one's square, the sum made one, and all to the side of the largest."""
    y, x = _grid()
    inside = torch.maximum(x.abs(), y.abs()) <= radius[:, None, None]
    kept = kernels * inside
    rim = RADIUS - int(radius.max())
    kept = kept[:, rim : 2 * RADIUS + 1 - rim, rim : 2 * RADIUS + 1 - rim]
    return kept / kept.sum((1, 2), keepdim=True)


def _grid() -> tuple[Float[Tensor, "21 1"], Float[Tensor, "1 21"]]:
    line = torch.arange(-RADIUS, RADIUS + 1, dtype=torch.float64)
    return line[:, None], line[None, :]
