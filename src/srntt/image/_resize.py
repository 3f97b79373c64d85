"""All resizing: Pillow's on 8 bits, bit for bit, and on pictures of any depth; torch's, with a gradient; MATLAB's."""

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from srntt._shapes import Float, Int, Shaped, UInt8
from srntt.errors import InputError
from srntt.image._picture import Picture

_PRECISION_BITS = 32 - 8 - 2  # Pillow's Resample.c: fixed-point weights for 8-bit samples
_ROWS_AT_ONCE = 128  # of the output of `resized`
_PILLOW = {"bicubic": Image.Resampling.BICUBIC, "lanczos": Image.Resampling.LANCZOS}


def bicubic_pillow(x: Float[Tensor, "*batch c h w"], size: tuple[int, int]) -> Float[Tensor, "*batch c H W"]:
    """Resizes as ``PIL.Image.resize(..., BICUBIC)`` does 8-bit pictures: the same integers, on any device.

    Horizontal pass, rounded and clipped to 8 bits, then vertical pass, both in fixed point (Pillow, Resample.c). The
    resize of all published RefSR code, the official SRNTT included.

    Args:
        x: float [0, 1]; taken to the nearest k/255 first.
        size: (H, W) of the output, in pixels.

    Returns:
        multiples of 1/255 in [0, 1], of ``x``'s dtype. Has no gradient.

    Example:
        >>> import torch
        >>> bicubic_pillow(torch.ones(1, 3, 8, 8), (2, 2)).shape
        torch.Size([1, 3, 2, 2])
    """
    height, width = _checked_size(size)
    levels = x.detach().mul(255).round().clamp(0, 255)
    if x.device.type == "cpu":
        planes = levels.to(torch.uint8).reshape(-1, *x.shape[-2:]).numpy()
        levels = torch.from_numpy(_resize_planes(planes, height, width)).reshape(*x.shape[:-2], height, width)
    else:
        levels = _pillow_by_taps(levels.to(torch.int32), height, width)
    return levels.to(x.dtype) / 255


def resize_pillow(
    pixels: UInt8[np.ndarray, "h w c"], size: tuple[int, int], kernel: Literal["bicubic", "lanczos"] = "bicubic"
) -> UInt8[np.ndarray, "H W c"]:
    """The same for 8-bit samples in memory. Channels are resized independently: alpha does not affect colours."""
    height, width = _checked_size(size)
    return np.ascontiguousarray(_resize_planes(pixels.transpose(2, 0, 1), height, width, kernel).transpose(1, 2, 0))


def resize_bicubic(x: Float[Tensor, "b c h w"], size: tuple[int, int]) -> Float[Tensor, "b c H W"]:
    """Resizes by torch's antialiased bicubic: Pillow's kernel (a = -0.5) without its rounding, and with a gradient.

    Args:
        x: any values; overshoot is not clipped.
        size: (H, W) of the output, in pixels.
    """
    if size[1] == 1:  # torch repeats the first value in every row of an output of one column
        turned = F.interpolate(x.transpose(-1, -2), size=size[::-1], mode="bicubic", antialias=True)
        return turned.transpose(-1, -2)
    return F.interpolate(x, size=size, mode="bicubic", antialias=True)


def reduce(picture: Float[Tensor, "b c H W"], factor: int) -> Float[Tensor, "b c h w"]:
    """Reduces by `resize_bicubic`; the rest of a division of the size is included by scaling."""
    return resize_bicubic(picture, (picture.shape[-2] // factor, picture.shape[-1] // factor))


def enlarge(picture: Float[Tensor, "b c h w"], factor: int) -> Float[Tensor, "b c H W"]:
    """Enlarges by `resize_bicubic` (without antialiasing torch would use a = -0.75)."""
    return resize_bicubic(picture, (picture.shape[-2] * factor, picture.shape[-1] * factor))


def round_to_8bit(picture: Float[Tensor, "*b c h w"]) -> Float[Tensor, "*b c h w"]:
    """Rounds to the values of an 8-bit file, in [0, 1]."""
    return (picture.clamp(0, 1) * 255).round() / 255


def bicubic_matlab(
    x: Float[Tensor, "*batch c h w"], *, size: tuple[int, int] | None = None, scale: int | float | None = None
) -> Float[Tensor, "*batch c H W"]:
    """Resizes as MATLAB's ``imresize(x, ..., "bicubic")`` does floating-point pictures.

    Antialiased when shrinking, symmetric borders, no clipping of overshoot, differentiable. MATLAB rounds
    uint8 pictures to 8 bits between the passes (vertical first); to reproduce that, resize one dimension at a time.

    Args:
        x: float32 or float64.
        size: (H, W) of the output; or
        scale: one factor for both; the output is ceil(scale * h) x ceil(scale * w), as in MATLAB.

    Raises:
        InputError: both or neither of ``size`` and ``scale``, or an output without pixels.

    Example:
        >>> import torch
        >>> bicubic_matlab(torch.ones(3, 5, 7), scale=4).shape
        torch.Size([3, 20, 28])
    """
    h, w = x.shape[-2:]
    if (size is None) == (scale is None):
        raise InputError(f"bicubic_matlab(size={size}, scale={scale}): give exactly one of them.")
    if scale is not None:
        if not (math.isfinite(scale) and scale > 0):
            raise InputError(f"scale {scale}: must be positive and finite.")
        size = (math.ceil(scale * h), math.ceil(scale * w))
    assert size is not None
    height, width = _checked_size(size)
    passes = [(scale or height / h, h, height, True), (scale or width / w, w, width, False)]
    for factor, before, after, rows in sorted(passes, key=lambda one: one[0]):  # MATLAB: the smaller factor first
        if before != after or factor != 1:
            x = _apply(x, _matlab_taps(before, after, float(factor)), rows=rows)
    return x


def resized(picture: Picture, size: tuple[int, int], bits: int | None = None) -> Picture:
    """Resizes colours, alpha and bands by bicubic (a = -0.5), antialiased where it reduces.

    Args:
        picture: of any depth. It is returned where nothing is to be done.
        size: (H, W) of the output, in pixels.
        bits: 8 or 16 of the output; None for those of the picture.
    """
    bits = bits or picture.bits
    if size == (picture.height, picture.width) and bits == picture.bits:
        return picture
    alpha = None if picture.alpha is None else _resample(picture.alpha[:, :, None], size, bits)[:, :, 0]
    bands = None if picture.bands is None else _resample(picture.bands, size, bits)
    return replace(picture, color=_resample(picture.color, size, bits), alpha=alpha, bands=bands)


def _checked_size(size: tuple[int, int]) -> tuple[int, int]:
    height, width = size
    if height < 1 or width < 1:
        raise InputError(f"size {height} x {width} (height x width): both must be at least 1.")
    return height, width


def _resize_planes(
    planes: UInt8[np.ndarray, "n h w"], height: int, width: int, kernel: str = "bicubic"
) -> UInt8[np.ndarray, "n H W"]:
    images = (Image.fromarray(np.ascontiguousarray(plane)) for plane in planes)
    return np.stack([np.asarray(image.resize((width, height), _PILLOW[kernel])) for image in images])


def _resample(samples: Shaped[np.ndarray, "h w c"], size: tuple[int, int], bits: int) -> Shaped[np.ndarray, "H W c"]:
    """In bands of rows; each sees all rows that the kernel reaches, so that bands are parts of the whole."""
    (height, width, channels), (rows, columns) = samples.shape, size
    step, white = height / rows, (1 << bits) - 1
    reach = math.ceil(2 * max(1, step)) + 1
    out = np.empty((rows, columns, channels), np.uint8 if bits == 8 else np.uint16)
    factor = np.float32(white / np.iinfo(samples.dtype).max)
    for top in range(0, rows, _ROWS_AT_ONCE):
        bottom = min(rows, top + _ROWS_AT_ONCE)
        first, last = max(0, math.floor(top * step) - reach), min(height, math.ceil(bottom * step) + reach)
        box = (0, top * step - first, width, min(bottom * step - first, last - first))
        for channel in range(channels):
            plane = Image.fromarray(np.ascontiguousarray(samples[first:last, :, channel], np.float32))
            made = np.asarray(plane.resize((columns, bottom - top), Image.Resampling.BICUBIC, box=box))
            out[top:bottom, :, channel] = np.rint(np.clip(made * factor, 0, white))
    return out


def _pillow_by_taps(levels: Int[Tensor, "*batch h w"], height: int, width: int) -> Int[Tensor, "*batch H W"]:
    """Pillow's algorithm on other devices; a test compares it with Pillow."""
    for rows, before, after in ((False, levels.shape[-1], width), (True, levels.shape[-2], height)):
        if before != after:
            # Sums stay below 2**31: weights add up to 2**22, overshoot by less than a half, and levels are below 2**8.
            half = 1 << (_PRECISION_BITS - 1)
            sums = _apply(levels, _pillow_taps(before, after), rows=rows, start=half)
            levels = (sums >> _PRECISION_BITS).clamp_(0, 255)
    return levels


@dataclass(frozen=True, eq=False)
class _Taps:
    """For each of ``m`` outputs, ``k`` input indices and their weights (0 where fewer are needed)."""

    index: Int[np.ndarray, "m k"]
    weight: Shaped[np.ndarray, "m k"]


def _pillow_taps(before: int, after: int) -> _Taps:
    """precompute_coeffs and normalize_coeffs_8bpc of Resample.c, in the same order of operations."""
    scale = before / after
    spread = max(scale, 1.0)
    support = 2.0 * spread
    center = (np.arange(after) + 0.5) * scale
    first = np.maximum((center - support + 0.5).astype(np.int64), 0)
    last = np.minimum((center + support + 0.5).astype(np.int64), before)
    offset = np.arange(math.ceil(support) * 2 + 1)
    index = first[:, None] + offset
    inside = index < last[:, None]
    weight = np.where(inside, _cubic((index - center[:, None] + 0.5) * (1.0 / spread)), 0.0)
    weight /= np.cumsum(weight, axis=1)[:, -1:]  # summed one by one, as C does; np.sum adds in pairs
    fixed = np.trunc(weight * (1 << _PRECISION_BITS) + np.where(weight < 0, -0.5, 0.5)).astype(np.int32)
    return _Taps(np.minimum(index, before - 1), fixed)


def _matlab_taps(before: int, after: int, scale: float) -> _Taps:
    """``contributions`` of MATLAB's imresize, counted from 0."""
    spread = max(1.0 / scale, 1.0)
    center = (np.arange(after) + 0.5) / scale - 0.5
    first = np.floor(center - 2.0 * spread).astype(np.int64)
    index = first[:, None] + np.arange(math.ceil(4.0 * spread) + 2)
    weight = _cubic((index - center[:, None]) / spread)
    weight /= weight.sum(axis=1, keepdims=True)
    used = (weight != 0).any(axis=0)
    mirrored = index % (2 * before)
    return _Taps(np.minimum(mirrored, 2 * before - 1 - mirrored)[:, used], weight[:, used])


def _cubic(x: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Keys' cubic convolution kernel with a = -1/2 (Keys 1981), support [-2, 2]."""
    x = np.abs(x)
    near = (1.5 * x - 2.5) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * -0.5
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))


def _apply(x: Shaped[Tensor, "*batch h w"], taps: _Taps, *, rows: bool, start: int = 0) -> Shaped[Tensor, "*batch H W"]:
    """Resamples the height (``rows``) or the width, in the dtype of ``x``; ``start`` is added to each sum.

    One gather per tap, so memory is that of three outputs instead of an input x output matrix.
    """
    if not rows:  # gathering whole rows is several times faster than gathering columns
        turned = x.transpose(-1, -2).contiguous()
        return _apply(turned, taps, rows=True, start=start).transpose(-1, -2).contiguous()
    index = torch.from_numpy(taps.index).to(x.device)
    weight = torch.from_numpy(taps.weight).to(x.device, x.dtype)[..., None]
    total = x.index_select(-2, index[:, 0]).mul_(weight[:, 0]).add_(start)
    for k in range(1, index.shape[1]):
        total.add_(x.index_select(-2, index[:, k]).mul_(weight[:, k]))
    return total
