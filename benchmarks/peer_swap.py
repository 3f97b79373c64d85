"""Texture transfer in TTSR (Yang et al., CVPR 2020, section 3.2): unfold, gather, fold."""

import torch.nn.functional as F
from torch import Tensor


def fold_swap(values: Tensor, y: Tensor, x: Tensor, ratio: int) -> Tensor:
    """Paste the matched patches of 3 x 3 positions and divide by nine, including at the edge, as that code does.

    Args:
        values: (c, H, W), ``ratio`` times as large as what was matched.
        y: row of each position's match.
        x: its column.
        ratio: 1, 2 or 4.
    """
    side = 3 * ratio
    columns = values.shape[2] // ratio
    patches = F.unfold(values[None], side, padding=ratio, stride=ratio)[0]
    chosen = patches[:, (y * columns + x).flatten()]
    size = (y.shape[0] * ratio, y.shape[1] * ratio)
    return F.fold(chosen[None], size, side, padding=ratio, stride=ratio)[0] / 9
