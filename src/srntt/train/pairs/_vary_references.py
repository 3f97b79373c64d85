"""References as another camera, another day and the web change them: exposure, colour, blur, noise, JPEG."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from srntt._shapes import Bool, Float, Int64
from srntt.image import enlarge, reduce, round_to_8bit
from srntt.train.pairs._blur_kernels import blur
from srntt.train.pairs._draws import Draws
from srntt.train.pairs._jpeg import jpeg
from srntt.train.pairs._noise import gaussian_noise

_TAPS = 3.0  # deviations that a blur reaches to each side


@dataclass(frozen=True)
class VariationRange:
    """How far references may differ from a clean view. Exposure and colour vary by a severity of each sample's own.

    Attributes:
        gain: of all channels, up to 1 +- this.
        channel_gain: deviation of each channel's own gain.
        shift: of the black level, up to this either way.
        gamma: in octaves, either way.
        blur: share of references that are blurred.
        sigma: of the blur, in pixels.
        noise: share with noise.
        noise_sigma: its deviation, in levels of 255.
        jpeg: share that was compressed.
        quality: of JPEG.
        as_input: share that is as blurred as the input: reduced to its size and enlarged again by bicubic.
    """

    gain: float = 0.3
    channel_gain: float = 0.05
    shift: float = 0.08
    gamma: float = 0.4
    blur: float = 0.18
    sigma: tuple[float, float] = (0.4, 3.0)
    noise: float = 0.12
    noise_sigma: tuple[float, float] = (0.0, 5.0)
    jpeg: float = 0.15
    quality: tuple[float, float] = (50.0, 95.0)
    as_input: float = 0.0


@torch.no_grad()
def vary_references(
    references: Float[Tensor, "n 3 H W"], limits: VariationRange, streams: Sequence[torch.Generator], scale: int = 4
) -> Float[Tensor, "n 3 H W"]:
    """Change each reference by severities of its own, on the device where they are.

    Args:
        references: RGB in [0, 1], of more pixels each way than 3 deviations of the widest blur.
        limits: how far.
        streams: CPU generators, one a sample.
        scale: of the model: how much smaller than a reference its input is.

    Returns:
        RGB in [0, 1], not rounded.
    """
    draws = Draws(streams)
    varied = _exposed(references, limits, draws)
    sigma, levels, quality = (draws.uniform(x)[:, 0] for x in (limits.sigma, limits.noise_sigma, limits.quality))
    blurred, noisy, compressed = (draws.chance(share) for share in (limits.blur, limits.noise, limits.jpeg))
    bare = draws.chance(limits.as_input)
    if blurred.any():
        kernels = _gaussians(sigma[blurred], limits.sigma[1])
        varied[_at(blurred, varied)] = blur(varied[_at(blurred, varied)], kernels)
    if bare.any():
        varied[_at(bare, varied)] = enlarge(round_to_8bit(reduce(varied[_at(bare, varied)], scale)), scale)
    for sample in noisy.nonzero()[:, 0].tolist():
        noise = draws.on_device(sample, varied.device)
        varied[sample] = gaussian_noise(varied[sample], float(levels[sample]) / 255, False, noise)
    varied = varied.clamp(0, 1)
    if compressed.any():
        varied[_at(compressed, varied)] = jpeg(varied[_at(compressed, varied)], quality[compressed])
    return varied


def _at(chosen: Bool[Tensor, " n"], pictures: Float[Tensor, "n 3 H W"]) -> Int64[Tensor, " _"]:
    """Where the chosen ones are, on the pictures' device: found on the CPU, so that nothing waits for the answer."""
    return chosen.nonzero()[:, 0].to(pictures.device, non_blocking=True)


def _exposed(references: Float[Tensor, "n 3 H W"], limits: VariationRange, draws: Draws) -> Float[Tensor, "n 3 H W"]:
    severity = draws.uniform()
    own = draws.normal(1.0, 3)
    gain = (1 + limits.channel_gain * severity * own) * (1 + severity * draws.uniform((-limits.gain, limits.gain)))
    shift = severity * draws.uniform((-limits.shift, limits.shift))
    gamma = 2 ** (severity * draws.uniform((-limits.gamma, limits.gamma)))
    gain, shift, gamma = (x[:, :, None, None].to(references.device, references.dtype) for x in (gain, shift, gamma))
    return (references * gain + shift).clamp(0, 1) ** gamma


def _gaussians(sigma: Float[Tensor, " n"], widest: float) -> Float[Tensor, "n k k"]:
    """Kernels of a deviation each, as large as the widest that is allowed needs, whatever else is in the batch."""
    radius = max(1, int(_TAPS * widest + 0.5))
    taps = torch.exp(-0.5 * (torch.arange(-radius, radius + 1) / sigma[:, None]).square())
    taps /= taps.sum(1, keepdim=True)
    return taps[:, :, None] * taps[:, None, :]
