"""LR pictures as cameras and the web leave them: blurred, resized, noisy and compressed, and all of that twice.

The second-order degradations of Real-ESRGAN (Wang et al., arXiv:2107.10833, section 3). Each sample goes through a
chain of its own, of other sizes in between than its neighbours'.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from srntt._shapes import Float
from srntt.errors import InputError
from srntt.image import resize_bicubic, round_to_8bit
from srntt.train.pairs._blur_kernels import RADIUS, KernelRange, blur, draw_kernels, draw_sincs
from srntt.train.pairs._draws import Draws
from srntt.train.pairs._jpeg import jpeg
from srntt.train.pairs._noise import gaussian_noise, poisson_noise

#: "antialiased" is bicubic as Pillow and MATLAB shrink; "bicubic" and "bilinear" alias, as careless programs do.
ResizeMode = Literal["area", "bilinear", "bicubic", "antialiased"]


@dataclass(frozen=True)
class StageRange:
    """One round of blur, resize, noise and JPEG.

    Attributes:
        blur: share of samples that are blurred.
        kernels: with what.
        resizes: weights of shrinking, enlarging, and leaving the size.
        scale: the smallest and the largest factor. Of the picture's side in the first round, of the LR picture's in the
            second.
        noise: share of samples with noise.
        gaussian: share of Gaussian noise in it; the rest is Poisson.
        sigma: of Gaussian noise, in levels of 255.
        poisson: strength of Poisson noise; 1 is that of 256 photons at white.
        grey: share of noise that is alike in all channels.
        jpeg: share of samples that are compressed.
        quality: of JPEG.
    """

    blur: float = 1.0
    kernels: KernelRange = field(default_factory=KernelRange)
    resizes: tuple[float, float, float] = (0.7, 0.2, 0.1)
    scale: tuple[float, float] = (0.15, 1.5)
    noise: float = 1.0
    gaussian: float = 0.5
    sigma: tuple[float, float] = (1.0, 30.0)
    poisson: tuple[float, float] = (0.05, 3.0)
    grey: float = 0.4
    jpeg: float = 1.0
    quality: tuple[float, float] = (30.0, 95.0)


@dataclass(frozen=True)
class DegradationRange:
    """What LR pictures go through. The defaults are Real-ESRGAN's.

    Attributes:
        first: the first round, from the HR picture.
        second: the second round, to the LR picture.
        again: share of samples that go through the second round's blur, resize and noise.
        sinc: share of samples with a sinc filter at the end, which rings as sharpening and compressing do.
        modes: how pictures are resized, each as often.
    """

    first: StageRange = field(default_factory=StageRange)
    second: StageRange = field(
        default_factory=lambda: StageRange(
            blur=0.8,
            kernels=KernelRange(sigma=(0.2, 1.5)),
            resizes=(0.4, 0.3, 0.3),
            scale=(0.3, 1.2),
            sigma=(1.0, 25.0),
            poisson=(0.05, 2.5),
        )
    )
    again: float = 1.0
    sinc: float = 0.8
    modes: tuple[ResizeMode, ...] = ("area", "bilinear", "bicubic")


REAL_ESRGAN = DegradationRange()

#: Pictures of today's phones and of sites that shrink with care: mostly one round, little noise, JPEG of 60 and above.
MILD = DegradationRange(
    first=StageRange(
        blur=0.6,
        kernels=KernelRange(sigma=(0.2, 1.6), sinc=0.05),
        resizes=(0.4, 0.1, 0.5),
        scale=(0.5, 1.2),
        noise=0.5,
        sigma=(0.5, 8.0),
        poisson=(0.05, 0.8),
        jpeg=0.5,
        quality=(70.0, 98.0),
    ),
    second=StageRange(
        blur=0.4,
        kernels=KernelRange(sigma=(0.2, 0.8), sinc=0.05),
        resizes=(0.2, 0.2, 0.6),
        scale=(0.7, 1.2),
        noise=0.3,
        sigma=(0.5, 5.0),
        poisson=(0.05, 0.5),
        jpeg=0.7,
        quality=(60.0, 98.0),
    ),
    again=0.3,
    sinc=0.2,
    modes=("antialiased", "antialiased", "area", "bicubic"),
)

DEGRADATIONS = {"mild": MILD, "real-esrgan": REAL_ESRGAN}


@torch.no_grad()
def degrade(
    high_res: Float[Tensor, "b 3 H W"], limits: DegradationRange, streams: Sequence[torch.Generator], scale: int = 4
) -> Float[Tensor, "b 3 h w"]:
    """Degraded LR pictures, on the device of the HR pictures.

    The same streams give the same pictures, on every run and on the same kind of device.

    Args:
        high_res: RGB in [0, 1]; sides are multiples of the scale.
        limits: what they go through.
        streams: CPU generators, one a sample: then a sample is the same whichever others are in its batch.
        scale: HR pixels for each LR pixel along a side.

    Returns:
        multiples of 1/255 in [0, 1].

    Raises:
        InputError: sides that are no multiples of the scale, or so small that a blur kernel would not fit in between.
    """
    height, width = high_res.shape[-2:]
    least = int((RADIUS + 1) / min(limits.first.scale[0], 1 / scale)) + 1
    if height % scale or width % scale or min(height, width) < least:
        raise InputError(f"HR pictures of {width}x{height}: sides must be multiples of {scale}, at least {least}.")
    each = zip(high_res.float().split(1), streams, strict=True)
    return torch.cat([_chain(picture, limits, stream, scale) for picture, stream in each]).to(high_res.dtype)


def _chain(
    picture: Float[Tensor, "1 3 H W"], limits: DegradationRange, stream: torch.Generator, scale: int
) -> Float[Tensor, "1 3 h w"]:
    draws = Draws([stream])
    small = (picture.shape[-2] // scale, picture.shape[-1] // scale)
    picture = _round(picture, (picture.shape[-2], picture.shape[-1]), limits, limits.first, draws)
    picture = _compressed(picture, limits.first, draws)
    if draws.chance(limits.again):
        picture = _round(picture, small, limits, limits.second, draws)
    ringing = draws.chance(limits.sinc)
    kernel = draw_sincs(draws)
    mode = _mode(limits, draws)
    if draws.chance(0.5):  # the last resize before the last JPEG, or after it
        picture = _to_size(picture, small, mode)
        picture = blur(picture, kernel) if ringing else picture
        return round_to_8bit(_compressed(picture, limits.second, draws))
    picture = _to_size(_compressed(picture, limits.second, draws), small, mode)
    return round_to_8bit(blur(picture, kernel) if ringing else picture)


def _round(
    picture: Float[Tensor, "1 3 h w"],
    size: tuple[int, int],
    limits: DegradationRange,
    stage: StageRange,
    draws: Draws,
) -> Float[Tensor, "1 3 h2 w2"]:
    """Blur, resize to about `size`, noise."""
    kernel = draw_kernels(stage.kernels, draws)
    if draws.chance(stage.blur):
        picture = blur(picture, kernel)
    low, high = stage.scale
    span = ((min(low, 1.0), 1.0), (1.0, max(high, 1.0)), (1.0, 1.0))[int(draws.pick(stage.resizes))]
    factor = float(draws.uniform(span))
    picture = _to_size(picture, (round(size[0] * factor), round(size[1] * factor)), _mode(limits, draws))
    return _noisy(picture, stage, draws).clamp(0, 1)


def _noisy(picture: Float[Tensor, "1 3 h w"], stage: StageRange, draws: Draws) -> Float[Tensor, "1 3 h w"]:
    noisy, gaussian, grey = (bool(draws.chance(share)) for share in (stage.noise, stage.gaussian, stage.grey))
    strength = float(draws.uniform(stage.sigma)) / 255 if gaussian else float(draws.uniform(stage.poisson))
    if not noisy:
        return picture
    add = gaussian_noise if gaussian else poisson_noise
    return add(picture[0], strength, grey, draws.on_device(0, picture.device))[None]


def _compressed(picture: Float[Tensor, "1 3 h w"], stage: StageRange, draws: Draws) -> Float[Tensor, "1 3 h w"]:
    quality = draws.uniform(stage.quality)[:, 0]
    return jpeg(picture, quality) if draws.chance(stage.jpeg) else picture


def _mode(limits: DegradationRange, draws: Draws) -> ResizeMode:
    return limits.modes[int(draws.pick([1.0] * len(limits.modes)))]


def _to_size(picture: Float[Tensor, "1 3 h w"], size: tuple[int, int], mode: ResizeMode) -> Float[Tensor, "1 3 h2 w2"]:
    if picture.shape[-2:] == size:
        return picture
    match mode:
        case "area":
            return F.interpolate(picture, size, mode="area")
        case "antialiased":
            return resize_bicubic(picture, size)
    return F.interpolate(picture, size, mode=mode, align_corners=False)
