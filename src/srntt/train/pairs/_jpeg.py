"""What JPEG does to pictures, in torch: a quality a picture, where the pictures are (ITU-T T.81; JFIF; no gradient)."""

import functools
import math

import torch
import torch.nn.functional as F
from torch import Tensor

from srntt._shapes import Float

# T.81, tables K.1 and K.2.
_LUMA = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
_CHROMA = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *((99,) * 8,) * 4,
)
_TO_YCC = ((0.299, 0.587, 0.114), (-0.168735892, -0.331264108, 0.5), (0.5, -0.418687589, -0.081312411))
_TO_RGB = ((1.0, 0.0, 1.402), (1.0, -0.344136286, -0.714136286), (1.0, 1.772, 0.0))
_BLOCK, _UNIT = 8, 16


@torch.no_grad()
def jpeg(pictures: Float[Tensor, "n 3 h w"], quality: Float[Tensor, " n"]) -> Float[Tensor, "n 3 h w"]:
    """Encode and decode as libjpeg does by default: 4:2:0, its scale of qualities, chroma enlarged smoothly.

    On photographs within a third of a level of libjpeg's answer on average, and 98 of 100 values within two levels: its
    cosines are integers, and where a coefficient is near a tie a block may differ by one of the table's steps.

    Args:
        pictures: RGB in [0, 1]; rounded to 8 bits first.
        quality: 1 to 100 for each picture; rounded.

    Returns:
        multiples of 1/255 in [0, 1].
    """
    height, width = pictures.shape[-2:]
    levels = (pictures.float().clamp(0, 1) * 255).round()
    padded = F.pad(levels, (0, -width % _UNIT, 0, -height % _UNIT), mode="replicate")
    luma, chroma = _to_ycc(padded).split((1, 2), 1)
    luma = _quantised(luma, _table(_LUMA, quality, pictures.device))
    chroma = _quantised(_halved(chroma), _table(_CHROMA, quality, pictures.device))
    # What lies beyond the edge of the picture is not looked at, as in libjpeg.
    chroma = chroma[..., : math.ceil(height / 2), : math.ceil(width / 2)]
    chroma = _doubled(chroma)
    decoded = _to_rgb(torch.cat([luma[..., :height, :width], chroma[..., :height, :width]], 1))
    return (decoded / 255).to(pictures.dtype)


def _halved(plane: Float[Tensor, "n 2 h w"]) -> Float[Tensor, "n 2 h2 w2"]:
    """Mean of 2x2, ties rounded down in even columns and up in odd ones (jcsample.c, h2v2_downsample)."""
    bias = 0.25 + 0.25 * (torch.arange(plane.shape[-1] // 2, device=plane.device) % 2)
    return (F.avg_pool2d(plane, 2) + bias).floor()


def _doubled(plane: Float[Tensor, "n 2 h w"]) -> Float[Tensor, "n 2 2*h 2*w"]:
    """Triangle filter, ties rounded up in even columns and down in odd ones (jdsample.c, h2v2_fancy_upsample)."""
    enlarged = F.interpolate(plane, scale_factor=2, mode="bilinear", align_corners=False)
    bias = (8 - torch.arange(enlarged.shape[-1], device=plane.device) % 2) / 16
    return (enlarged + bias).floor()


def _to_ycc(levels: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 3 h w"]:
    """Luma and chroma in 0..255, rounded; chroma around 128."""
    offset = levels.new_tensor((0.0, 128.0, 128.0)).view(1, 3, 1, 1)
    return (_mixed(levels, _TO_YCC) + offset).round().clamp(0, 255)


def _to_rgb(levels: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 3 h w"]:
    offset = levels.new_tensor((0.0, 128.0, 128.0)).view(1, 3, 1, 1)
    return _mixed(levels - offset, _TO_RGB).round().clamp(0, 255)


def _mixed(levels: Float[Tensor, "n 3 h w"], matrix: tuple[tuple[float, ...], ...]) -> Float[Tensor, "n 3 h w"]:
    """Not by einsum: matrix products may be computed in less than float32, and these round to the wrong level then."""
    red, green, blue = levels.unbind(1)
    return torch.stack([a * red + b * green + c * blue for a, b, c in matrix], 1)


def _table(
    base: tuple[tuple[int, ...], ...], quality: Float[Tensor, " n"], device: torch.device
) -> Float[Tensor, "n 1 1 8 1 8"]:
    """Divisors of the coefficients: libjpeg's jpeg_quality_scaling and jpeg_add_quant_table."""
    quality = quality.round().clamp(1, 100)
    scale = torch.where(quality < 50, (5000 / quality).floor(), 200 - 2 * quality)[:, None, None]
    table = ((torch.tensor(base) * scale + 50) / 100).floor().clamp(1, 255)
    return table[:, None, None, :, None, :].to(device, torch.float32, non_blocking=True)


def _quantised(plane: Float[Tensor, "n c h w"], table: Float[Tensor, "n 1 1 8 1 8"]) -> Float[Tensor, "n c h w"]:
    """Blocks of 8x8 to cosine coefficients, to multiples of the table's divisors, and back."""
    blocks = plane.unflatten(3, (-1, _BLOCK)).unflatten(2, (-1, _BLOCK)) - 128
    with torch.autocast(plane.device.type, enabled=False):
        # libjpeg's cosine transform gives eighths.
        coefficients = (8 * _transformed(blocks, _cosines(plane.device))).round() / 8
        back = _transformed(_rounded(coefficients / table) * table, _cosines(plane.device).T)
    return (back + 128).round().clamp(0, 255).flatten(4, 5).flatten(2, 3)


def _rounded(x: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """Ties away from zero, as jcdctmgr.c; they are common among eighths."""
    return x.sign() * (x.abs() + 0.5).floor()


def _transformed(blocks: Float[Tensor, "n c y 8 x 8"], matrix: Float[Tensor, "8 8"]) -> Float[Tensor, "n c y 8 x 8"]:
    """Along both axes of every block."""
    across = blocks @ matrix.T
    return (across.transpose(3, 5) @ matrix.T).transpose(3, 5)


@functools.cache
def _cosines(device: torch.device) -> Float[Tensor, "8 8"]:
    """The orthonormal DCT-II: row k is the k-th frequency."""
    k, i = torch.arange(8.0)[:, None], torch.arange(8.0)[None, :]
    matrix = torch.cos((2 * i + 1) * k * math.pi / 16) / 2
    matrix[0] /= math.sqrt(2)
    return matrix.to(device)
