"""Photographs, held as uint8 on the training device."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from srntt._shapes import Float, UInt8
from srntt.errors import InputError

_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp"}
_AREA_CAP = 2_500_000  # pixels beyond which a photograph is not drawn more often: large is not more varied


class Photographs:
    """A folder of photographs to cut crops from, each drawn in proportion to its area up to a cap."""

    def __init__(self, folders: list[Path], smallest: int, device: torch.device) -> None:
        files = sorted(file for folder in folders for file in folder.iterdir() if file.suffix.lower() in _SUFFIXES)
        self.pictures: list[UInt8[Tensor, "3 H W"]] = []
        for file in files:
            picture = torch.from_numpy(np.array(Image.open(file).convert("RGB"))).permute(2, 0, 1)
            if min(picture.shape[1:]) >= smallest:
                self.pictures.append(picture.contiguous().to(device))
        if not self.pictures:
            raise InputError(f"no photograph of at least {smallest} x {smallest} pixels in {[str(f) for f in folders]}")
        area = np.minimum([p.shape[1] * p.shape[2] for p in self.pictures], _AREA_CAP)
        self._share = area / area.sum()

    def draw(self, random: np.random.Generator) -> UInt8[Tensor, "3 H W"]:
        """One photograph."""
        return self.pictures[random.choice(len(self.pictures), p=self._share)]


def crop(
    picture: UInt8[Tensor, "3 H W"], size: int, random: np.random.Generator
) -> tuple[Float[Tensor, "3 s s"], np.ndarray]:
    """A square crop in [0, 1] and the (y, x) of its corner."""
    corner = np.array([random.integers(0, extent - size + 1) for extent in picture.shape[1:]])
    y, x = corner
    return picture[:, y : y + size, x : x + size].float() / 255, corner
