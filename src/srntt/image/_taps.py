"""One-dimensional resampling by gathered taps: each output sample is a weighted sum of a few input samples."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from srntt._shapes import Float, Int, Shaped

__all__ = ["Taps", "apply_taps", "cubic"]


@dataclass(frozen=True, eq=False)
class Taps:
    """For each of ``m`` outputs, ``k`` input indices and their weights (0 where fewer are needed)."""

    index: Int[np.ndarray, "m k"]
    weight: Shaped[np.ndarray, "m k"]


def cubic(x: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Keys' cubic convolution kernel with a = -1/2 (Keys 1981), support [-2, 2]."""
    x = np.abs(x)
    near = (1.5 * x - 2.5) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * -0.5
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))


def apply_taps(
    x: Shaped[Tensor, "*batch h w"], taps: Taps, *, rows: bool, start: int = 0
) -> Shaped[Tensor, "*batch H W"]:
    """Resamples the height (``rows``) or the width, in the dtype of ``x``; ``start`` is added to each sum.

    One gather per tap, so memory is that of three outputs instead of an input x output matrix.
    """
    if not rows:  # gathering whole rows is several times faster than gathering columns
        turned = x.transpose(-1, -2).contiguous()
        return apply_taps(turned, taps, rows=True, start=start).transpose(-1, -2).contiguous()
    index = torch.from_numpy(taps.index).to(x.device)
    weight = torch.from_numpy(taps.weight).to(x.device, x.dtype)[..., None]
    total = x.index_select(-2, index[:, 0]).mul_(weight[:, 0]).add_(start)
    for k in range(1, index.shape[1]):
        total.add_(x.index_select(-2, index[:, k]).mul_(weight[:, k]))
    return total
