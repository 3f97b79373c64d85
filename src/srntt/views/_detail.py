"""Whether a picture holds detail of its own: more than a low-res picture could, as much as a photograph, and such as
goes with its coarser structure.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from srntt._shapes import Bool, Float, Shaped
from srntt.features import box_mean
from srntt.image import enlarge, reduce, unit_floats
from srntt.memory import cuts

_WINDOW = 17  # positions of the LR grid over which energies are averaged
_TEXTURED = 0.01  # amplitude of the finest octave of the LR grid, in [0, 1], from which a place is textured
_FAINT = 0.0025  # and below which it is too smooth to judge
_LEAST = 0.5  # amplitude of the lost detail, relative to that octave
_SHARE, _SLOPE, _LEAST_SHARE = 0.25, 0.08, 0.1  # the cosine with a sharpening falls with that amplitude: see below
_MOST_FINEST = 2.6  # amplitude of the finest octave, relative to the next
_STEP, _MOST_CONSTANT = 0.1, 0.6  # of the mean step between pixels; share of rows or columns without one
_LUMA = (0.299, 0.587, 0.114)
_TINY = 1e-12
_AT_ONCE = 128  # rows of the LR grid


class Detail(NamedTuple):
    """What a picture holds around the positions of the LR grid.

    Attributes:
        is_textured: whether there is enough to judge.
        is_lost: whether reducing the picture loses as much as a sharp one has; meaningless where it is not textured.
    """

    is_textured: Bool[Tensor, "h w"]
    is_lost: Bool[Tensor, "h w"]


def find_detail(picture: Float[Tensor, "3 H W"], scale: int) -> Detail:
    """Compare what reducing a picture loses with the finest octave that is left.

    The picture is in [0, 1]; its height and width are multiples of ``scale``, by which it is reduced.

    In a sharp photograph, what reducing loses has about the amplitude of the finest octave that is left: 0.36 to 2.8
    of it at 98 of 100 places of 16 photographs. In one that was enlarged from a low-res picture it has 0.16 to 0.41.
    """
    low = reduce(picture[None], scale)
    lost = (picture[None] - enlarge(low, scale)).square().mean(1, keepdim=True)
    octave = (low - _without_finest(low)).square().mean(1, keepdim=True)
    energy, reference = _around(lost, scale)[0, 0], _around(octave)[0, 0]
    return Detail(reference >= _TEXTURED**2, energy > _LEAST**2 * reference)


def holds_detail(picture: Float[Tensor, "3 H W"], scale: int) -> Bool[Tensor, "h w"]:
    """Where the detail that a picture loses when it is reduced is that of a photograph, or too faint to judge.

    The picture is in [0, 1]; its height and width are multiples of ``scale``, by which it is reduced.
    Thresholds are quantiles of places of 21 photographs from many cameras, at the factors 2 to 16:

    * Its amplitude is 0.5 to 1.25 + log2(scale) times that of the finest octave that is left (1 and 99 of 100 places:
      0.6 and 2.8 at the factor 4). In a picture enlarged by bilinear or bicubic interpolation it is 0.2 to 0.4, in one
      with much noise or stripes more than 4.
    * Its cosine with what a sharpening of the reduced picture adds is at least 0.25 - 0.08 of that amplitude, and 0.10
      (2 of 100 places are below). Detail that does not go with the structure below it has 0 to 0.15.
    * The finest octave of all has at most 2.6 times the amplitude of the next (999 of 1,000 places: 2.5; print of one
      pixel: 2.3). White noise has 3.3.
    * It does not consist of rectangles, as in a picture enlarged by nearest-neighbour interpolation.
    """
    # PAPER: not treated; a blurred reference is then matched by its own blur.
    gray = _gray(picture)
    low = reduce(gray, scale)
    smooth = enlarge(low, scale)
    lost = gray - smooth
    energy, octave = _around(lost * lost, scale), _around((low - _without_finest(low)).square())
    sharpening = smooth - box_mean(smooth, 2 * scale - 1)
    cosine = _around(lost * sharpening, scale)
    cosine /= (energy * _around(sharpening * sharpening, scale) + _TINY).sqrt()
    amplitude = (energy / (octave + _TINY)).sqrt()
    natural = energy <= (1.25 + math.log2(scale)) ** 2 * octave.clamp(min=_FAINT**2)
    goes = cosine >= (_SHARE - _SLOPE * amplitude).clamp(min=_LEAST_SHARE)
    halved = _without_finest(gray)
    finest, second = (gray - halved), halved - _without_finest(gray, 4)
    grainy = _around(finest * finest, scale) > _MOST_FINEST**2 * _around(second * second, scale)
    judged = (amplitude >= _LEAST) & goes & ~grainy & (_constant(gray, scale) < _MOST_CONSTANT)
    return (natural & (judged | (octave < _FAINT**2)))[0, 0]


def rectangles(pixels: Shaped[np.ndarray, "H W c"], scale: int) -> Bool[Tensor, "h w"]:
    """Where a picture consists of rectangles, from all of its pixels; a view of it may have been interpolated.

    What does not fill a position of ``scale`` pixels a side at the right and bottom is left out.
    """
    height, width = (extent // scale for extent in pixels.shape[:2])
    found = torch.zeros(height, width, dtype=torch.bool)
    for top, bottom in cuts(height, _AT_ONCE):
        outer = slice(max(0, top - _WINDOW), min(height, bottom + _WINDOW))
        band = torch.from_numpy(unit_floats(pixels[outer.start * scale : outer.stop * scale, : width * scale]))
        gray = _gray(band.expand(-1, -1, 3).permute(2, 0, 1))
        low = reduce(gray, scale)
        blocks = _constant(gray, scale) >= _MOST_CONSTANT
        blocks &= _around((low - _without_finest(low)).square()) >= _FAINT**2
        found[top:bottom] = blocks[0, 0, top - outer.start : bottom - outer.start]
    return found


def _gray(picture: Float[Tensor, "3 H W"]) -> Float[Tensor, "1 1 H W"]:
    return torch.einsum("chw,c->hw", picture, picture.new_tensor(_LUMA))[None, None]


def _constant(gray: Float[Tensor, "1 1 H W"], scale: int) -> Float[Tensor, "1 1 h w"]:
    """The share of columns, or of rows if larger, in a window around each position, that equal the one before."""
    return torch.maximum(_constant_columns(gray, scale), _constant_columns(gray.mT, scale).mT)


def _constant_columns(gray: Float[Tensor, "1 1 H W"], scale: int) -> Float[Tensor, "1 1 h w"]:
    step = F.pad(gray.diff(dim=3).abs(), (1, 0))
    step = _along(F.avg_pool2d(step, (scale, 1)).mT).mT
    mean = _along(F.avg_pool2d(step, (1, scale)))
    constant = (step < _STEP * mean.repeat_interleave(scale, 3)).to(step)
    return _along(F.avg_pool2d(constant, (1, scale)))


def _without_finest(x: Float[Tensor, "1 c h w"], times: int = 2) -> Float[Tensor, "1 c h w"]:
    """Reduced so many times and enlarged again; sizes that do not fit repeat their last row and column."""
    fitting = F.pad(x, (0, -x.shape[3] % times, 0, -x.shape[2] % times), mode="replicate")
    return enlarge(reduce(fitting, times), times)[:, :, : x.shape[2], : x.shape[3]]


def _along(x: Float[Tensor, "1 1 h w"]) -> Float[Tensor, "1 1 h w"]:
    """Means over a window along rows, at every place."""
    padded = F.pad(x, (_WINDOW // 2, _WINDOW // 2, 0, 0), mode="replicate")
    return F.avg_pool2d(padded, (1, _WINDOW), 1)


def _around(x: Float[Tensor, "1 1 H W"], scale: int = 1) -> Float[Tensor, "1 1 h w"]:
    """Means over a window around the positions of a grid ``scale`` times coarser."""
    return box_mean(F.avg_pool2d(x, scale) if scale > 1 else x, _WINDOW)
