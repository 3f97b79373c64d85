"""Patch swapping as written: cut patches out, paste them, divide by how many cover a pixel."""

import torch
import torch.nn.functional as F
from torch import Tensor

from srntt.match import Match


def slow_swap(values: list[Tensor], match: Match, ratio: int, patch: int = 3) -> Tensor:
    """The twin of ``srntt.transfer.swap``: one patch at a time, in float64."""
    reach = patch // 2
    rim = reach * ratio
    padded = [F.pad(features.double()[None], (rim,) * 4, mode="replicate")[0] for features in values]
    height, width = match.y.shape
    channels, side = values[0].shape[0], patch * ratio
    pasted = torch.zeros(channels, height * ratio + 2 * rim, width * ratio + 2 * rim, dtype=torch.float64)
    count = torch.zeros(pasted.shape[1:], dtype=torch.float64)
    frame = min(match.frame, reach)
    for i in range(frame, height - frame):
        for j in range(frame, width - frame):
            reference, y, x = (int(value[i, j]) for value in (match.reference, match.y, match.x))
            onto = (slice(i * ratio, i * ratio + side), slice(j * ratio, j * ratio + side))
            pasted[:, *onto] += padded[reference][:, y * ratio : y * ratio + side, x * ratio : x * ratio + side]
            count[onto] += 1
    inside = (slice(rim, rim + height * ratio), slice(rim, rim + width * ratio))
    return (pasted[:, *inside] / count[inside]).float()
