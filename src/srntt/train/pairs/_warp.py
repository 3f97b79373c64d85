"""Smooth random maps from references' pixels to a photograph's, and back, a batch at once."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from srntt._shapes import Float
from srntt.train.pairs._draws import Draws

_LIMIT = 0.5  # of the perspective's share
_BENDS = 6  # control points of the local displacement along a side
_ITERATIONS = 6


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

    Args:
        size: side of the reference, in pixels.
        centre: (y, x) in the photograph of what a reference without shift has at its centre.
        limits: how far to stray.
        octaves: largest change of scale, for each reference.
        draws: of the references.
    """

    def __init__(
        self, size: int, centre: Float[Tensor, "n 2"], limits: WarpRange, octaves: Float[Tensor, "n"], draws: Draws
    ) -> None:
        severity = draws.uniform()
        angle = torch.deg2rad(draws.normal(limits.degrees)) * severity
        scale = 2 ** (draws.uniform((-1.0, 1.0)) * octaves[:, None] * severity)
        cosine, sine = torch.cos(angle) * scale, torch.sin(angle) * scale
        shear = draws.normal(limits.shear, 4) * severity
        self.affine = (torch.cat([cosine, -sine, sine, cosine], 1) + shear).view(-1, 2, 2)
        self._perspective = draws.normal(limits.perspective, 2) * severity / (size / 2)
        self._centre = centre + draws.uniform((-limits.shift, limits.shift), 2) * severity
        bends = draws.normal(limits.bend, 2 * _BENDS**2) * severity
        self._bend = bends.view(-1, 2, _BENDS, _BENDS)
        self._half = size / 2

    def to(self, device: torch.device) -> "Warp":
        """The same on a device."""
        moved = object.__new__(Warp)
        moved.__dict__ = {k: v.to(device) if isinstance(v, Tensor) else v for k, v in self.__dict__.items()}
        return moved

    def scale(self) -> Float[Tensor, "n"]:
        """Photograph pixels for each reference pixel along a side, on the whole."""
        return torch.linalg.det(self.affine).abs().sqrt()

    def __call__(self, position: Float[Tensor, "#n h w 2"]) -> Float[Tensor, "n h w 2"]:
        """Reference positions (y, x, pixels from the corner) to photograph positions."""
        p = position - self._half
        moved = torch.einsum("nij,nhwj->nhwi", self.affine, p.expand(len(self.affine), -1, -1, -1))
        return _broad(self._centre) + moved / self._share(p) + self._displacement(p)

    def inverse(self, position: Float[Tensor, "#n h w 2"]) -> Float[Tensor, "n h w 2"]:
        """Photograph positions to reference positions, by fixed-point iteration."""
        back = torch.linalg.inv(self.affine)
        away = (position - _broad(self._centre)).expand(len(self.affine), -1, -1, -1)
        p = torch.einsum("nij,nhwj->nhwi", back, away)
        for _ in range(_ITERATIONS):
            p = torch.einsum("nij,nhwj->nhwi", back, (away - self._displacement(p)) * self._share(p))
        return p + self._half

    def _share(self, p: Float[Tensor, "#n h w 2"]) -> Float[Tensor, "n h w 1"]:
        return 1 + (p * _broad(self._perspective)).sum(-1, keepdim=True).clamp(-_LIMIT, _LIMIT)

    def _displacement(self, p: Float[Tensor, "#n h w 2"]) -> Float[Tensor, "n h w 2"]:
        grid = (p / self._half).flip(-1).expand(len(self._bend), -1, -1, -1)
        bend = F.grid_sample(self._bend, grid, mode="bicubic", padding_mode="border", align_corners=False)
        return bend.permute(0, 2, 3, 1)


def pixel_centres(size: int, step: int = 1) -> Float[Tensor, "1 _ _ 2"]:
    """(y, x) of the centres of the cells of ``step`` pixels that make up a square."""
    line = (torch.arange(size // step) + 0.5) * step
    return torch.stack(torch.meshgrid(line, line, indexing="ij"), -1)[None]


def _broad(x: Float[Tensor, "n 2"]) -> Float[Tensor, "n 1 1 2"]:
    return x[:, None, None]
