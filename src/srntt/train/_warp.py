"""Smooth random maps from a reference's pixels to a photograph's, and back."""

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from srntt._shapes import Float


@dataclass(frozen=True)
class WarpRange:
    """How far a reference may stray from its target.

    Every warp draws a severity in 0..1 that scales all of these, so that near frames and far views are both common.

    Attributes:
        degrees: standard deviation of the rotation.
        octaves: largest change of scale, as a power of two.
        shear: standard deviation of the affine matrix's four entries.
        perspective: standard deviation of the change of scale across half the crop, as a share.
        shift: largest shift, in pixels.
        bend: standard deviation of a smooth local displacement (parallax), in pixels.
    """

    degrees: float = 14.0
    octaves: float = 0.6
    shear: float = 0.06
    perspective: float = 0.06
    shift: float = 64.0
    bend: float = 3.0


class Warp:
    """photograph position = centre + A p / (1 + v.p) + bend(p), for p a reference pixel relative to the crop's
    centre.
    """

    def __init__(self, size: int, centre: np.ndarray, limits: WarpRange, random: np.random.Generator) -> None:
        severity = random.uniform()
        angle = math.radians(random.normal(0, limits.degrees) * severity)
        scale = 2 ** (random.uniform(-limits.octaves, limits.octaves) * severity)
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]) * scale
        self._affine = _tensor(turn + random.normal(0, limits.shear, (2, 2)) * severity)
        self._perspective = _tensor(random.normal(0, limits.perspective, 2) * severity / (size / 2))
        self._centre = _tensor(centre + random.uniform(-1, 1, 2) * limits.shift * severity)
        self._bend = _tensor(random.normal(0, limits.bend * severity, (1, 2, 6, 6)))
        self._half = size / 2

    def __call__(self, position: Float[Tensor, "*n 2"]) -> Float[Tensor, "*n 2"]:
        """Reference positions (y, x, pixels from the corner) to photograph positions."""
        p = position - self._half
        share = 1 + (p @ self._perspective).clamp(-0.5, 0.5)
        return self._centre + (p @ self._affine.T) / share[..., None] + self._displacement(p)

    def inverse(self, position: Float[Tensor, "*n 2"]) -> Float[Tensor, "*n 2"]:
        """Photograph positions to reference positions, by fixed-point iteration."""
        inverse = torch.linalg.inv(self._affine)
        p = (position - self._centre) @ inverse.T
        for _ in range(6):
            share = 1 + (p @ self._perspective).clamp(-0.5, 0.5)
            p = ((position - self._centre - self._displacement(p)) * share[..., None]) @ inverse.T
        return p + self._half

    def _displacement(self, p: Float[Tensor, "*n 2"]) -> Float[Tensor, "*n 2"]:
        grid = (p / self._half).flip(-1).reshape(1, 1, -1, 2)
        bend = F.grid_sample(self._bend, grid, mode="bicubic", padding_mode="border", align_corners=False)
        return bend[0, :, 0].T.reshape(p.shape)


def _tensor(values: np.ndarray) -> Tensor:
    return torch.from_numpy(np.asarray(values, dtype=np.float32))
