"""A reference as if it had been photographed from where the small picture was."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from srntt._shapes import Bool, Float, Shaped
from srntt.views._view import View
from srntt.views.aligned._placement import Placement
from srntt.views.aligned._resample import TILE, resampled_rows, resampling_bytes

_POINTS_AT_ONCE = 2**14
_ROWS_AT_ONCE = 64
_PIXEL = 3 * 4  # bytes


@dataclass(frozen=True, eq=False)
class PlacementMap:
    """From the pixels of an aligned view, ``scale`` for one of the small picture, to those of the reference.

    Pixel centres are whole numbers in both.
    """

    placement: Placement
    scale: int

    def __call__(self, points: Float[Tensor, "*n 2"]) -> Float[Tensor, "*n 2"]:
        """Points (y, x) of the view to points of the reference, in double precision."""
        flat = ((points.detach().cpu().double().reshape(-1, 2) + 0.5) / self.scale - 0.5).numpy()
        for first in range(0, len(flat), _POINTS_AT_ONCE):
            part = flat[first : first + _POINTS_AT_ONCE]
            x, y = self.placement.positions(part[None, :, 1], part[None, :, 0])
            part[:] = np.stack([y[0], x[0]], 1)
        return torch.from_numpy(flat).reshape(points.shape).to(points.device)


@dataclass(frozen=True, eq=False, repr=False)
class AlignedView:
    """A reference in the frame of the output, made in bands when they are asked for.

    Attributes:
        pixels: of the reference at full size, RGB or grey: uint8, uint16, or floats in [0, 1].
        placement: against the small picture.
        scale: output pixels for one of the small picture.
    """

    pixels: Shaped[np.ndarray, "H W c"]
    placement: Placement
    scale: int

    def __repr__(self) -> str:
        return f"<AlignedView of {self.size[1]} x {self.size[0]} pixels: {self.placement.describe(self.scale)}>"

    @property
    def size(self) -> tuple[int, int]:
        """Height and width: those of the output."""
        return self.placement.size[0] * self.scale, self.placement.size[1] * self.scale

    @property
    def to_original(self) -> PlacementMap:
        """From its pixels to those of the reference."""
        return PlacementMap(self.placement, self.scale)

    @property
    def bytes(self) -> int:
        """Memory that it takes in addition to the bands that are requested: its validity, and the rows by which a band
        is made larger.
        """
        height, width = self.size
        rounded = min(2 * TILE, height) * width * _PIXEL
        return height * width + rounded + resampling_bytes(self.size, self.placement.scale / self.scale)

    def view(self) -> View:
        """As one of the views of the reference."""
        valid = self.valid().repeat_interleave(self.scale, 0).repeat_interleave(self.scale, 1)
        return View("aligned", self.size, self.rgb, self.to_original, valid)

    def rgb(self, top: int = 0, bottom: int | None = None) -> Float[Tensor, "3 h w"]:
        """Rows ``top`` to ``bottom`` in [0, 1]; any band of rows gives what the whole picture has there.

        Outside of what is valid they hold something harmless: the reference mirrored.
        """
        return resampled_rows(self.pixels, self._positions, self.size, top, bottom)

    def valid(self) -> Bool[Tensor, "h w"]:
        """Where in the small picture the view shows the same thing."""
        height, width = self.placement.size
        valid = np.empty((height, width), bool)
        for top in range(0, height, _ROWS_AT_ONCE):
            y, x = np.indices((min(_ROWS_AT_ONCE, height - top), width), np.float64)
            valid[top : top + len(y)] = self.placement.locate(x, y + top).valid
        return torch.from_numpy(valid)

    def _positions(
        self, x: Float[np.ndarray, "h w"], y: Float[np.ndarray, "h w"]
    ) -> tuple[Float[np.ndarray, "h w"], Float[np.ndarray, "h w"]]:
        return self.placement.positions((x + 0.5) / self.scale - 0.5, (y + 0.5) / self.scale - 0.5)
