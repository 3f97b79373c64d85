"""Photographs to cut training pairs from, held as uint8 on the training device."""

from pathlib import Path

import torch
from torch import Tensor

from srntt._shapes import Float, Int64, UInt8
from srntt.data import pictures_in
from srntt.errors import InputError
from srntt.image import load, reduce, round_to_8bit

_AREA_CAP = 2_500_000  # pixels beyond which a photograph is not drawn more often: large is not more varied
_LEVELS = 3  # full size, halved, quartered
_SMALLEST = 16
_ADVICE = "Give a folder of photographs."


class Photographs:
    """Photographs of folders and their reduced copies, each drawn in proportion to its area up to a cap.

    What lies in folders below, or is smaller than ``smallest`` each way, is left out.

    Raises:
        InputError: none of that size.
        PictureError: one that is not a whole picture.
    """

    def __init__(self, folders: list[Path], smallest: int, device: torch.device) -> None:
        self.device = device
        self._levels: list[list[UInt8[Tensor, "3 _ _"]]] = []
        for file in sorted(file for folder in folders for file in pictures_in(folder, _ADVICE).values()):
            picture = load(file).to_8bit().rgb()
            if min(picture.shape[1:]) >= smallest:
                self._levels.append([level.to(device) for level in _reduced(picture)])
        if not self._levels:
            raise InputError(f"No photograph of {smallest} x {smallest} pixels or more in {[str(f) for f in folders]}.")
        self.sizes = torch.tensor([levels[0].shape[1:] for levels in self._levels])
        area = self.sizes.prod(1).clamp(max=_AREA_CAP).double()
        self._until = area.cumsum(0) / area.sum()

    def __len__(self) -> int:
        return len(self._levels)

    def choose(self, share: Float[Tensor, "n"]) -> Int64[Tensor, "n"]:
        """Numbers of photographs, for numbers drawn evenly from 0..1."""
        return torch.searchsorted(self._until, share.double()).clamp(max=len(self) - 1)

    def windows(
        self, photograph: Int64[Tensor, "n"], level: Int64[Tensor, "n"], corner: Int64[Tensor, "n 2"], size: int
    ) -> UInt8[Tensor, "n 3 s s"]:
        """Squares of photographs; what lies outside repeats the edge.

        Level 0 is full size, 1 halved, 2 quartered; the corner (y, x) and the size are in pixels of that level.
        """
        line = torch.arange(size)
        cut = []
        for number, depth, start in zip(photograph.tolist(), level.tolist(), corner, strict=True):
            picture = self._levels[number][depth]
            y, x = ((line + start[axis]).clamp(0, picture.shape[axis + 1] - 1).to(self.device) for axis in (0, 1))
            cut.append(picture.index_select(1, y).index_select(2, x))
        return torch.stack(cut)


def deepest_level(scale: Float[Tensor, "n"]) -> Int64[Tensor, "n"]:
    """The level to sample so that a view of so many photograph pixels a pixel neither aliases nor blurs much."""
    return scale.clamp(min=1).log2().add(0.25).floor().long().clamp(0, _LEVELS - 1)


def _reduced(picture: Float[Tensor, "3 H W"]) -> list[UInt8[Tensor, "3 _ _"]]:
    levels = [picture]
    while len(levels) < _LEVELS:
        last = levels[-1]
        levels.append(round_to_8bit(reduce(last[None], 2))[0] if min(last.shape[1:]) >= 2 * _SMALLEST else last)
    return [(level * 255).round().byte() for level in levels]
