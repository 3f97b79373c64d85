"""A placed reference at the size and turn of the small picture, to be searched anywhere."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from srntt._shapes import Bool, Float, Shaped
from srntt.views._plane_map import PlaneMap
from srntt.views._view import View
from srntt.views.aligned._margins import at_shares
from srntt.views.aligned._placement import Placement
from srntt.views.aligned._resample import resampled_rows, resampling_bytes

_TURN, _LARGER = 12.0, 1.25  # degrees, and times: a search finds what is turned or larger by less
_ROWS_AT_ONCE = 256
_SMALLEST = 0.8  # pixels of the reference for one of the view: to enlarge it more would add nothing to find


@dataclass(frozen=True, eq=False)
class UprightView:
    """A reference turned back and reduced as the small picture is placed in it, all of it.

    What no plane explains is then searched as in a reference that came so. ``shown`` is where the reference is no
    margin, in a coarser grid; the rest is as in `AlignedView`.
    """

    pixels: Shaped[np.ndarray, "H W c"]
    placement: Placement
    scale: int
    shown: Bool[np.ndarray, "h w"]

    @property
    def is_needed(self) -> bool:
        """Whether the unchanged reference would not be found."""
        return abs(self.placement.turn) > _TURN or self.placement.scale / self.scale > _LARGER

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        across, down = np.ptp(self._corners, 0) / self._ratio
        return max(1, round(float(down))), max(1, round(float(across)))

    @property
    def bytes(self) -> int:
        """Memory that making a band of rows takes in addition to its pixels, and what is valid, twice for a moment."""
        height, width = self.size
        return resampling_bytes(self.size, self._ratio) + 2 * height * width

    @property
    def to_original(self) -> PlaneMap:
        """From its pixels to those of the reference."""
        (a, b), (c, d) = (self._turn * self._ratio).tolist()
        x, y = self._origin.tolist()
        return PlaneMap(((d, c, y), (b, a, x), (0.0, 0.0, 1.0)))

    def view(self) -> View:
        """As one of the views of the reference."""
        return View("upright", self.size, self.rgb, self.to_original, self.valid())

    def rgb(self, top: int = 0, bottom: int | None = None) -> Float[Tensor, "3 h w"]:
        """Rows ``top`` to ``bottom`` in [0, 1]; any band of rows gives what the whole picture has there."""
        return resampled_rows(self.pixels, self._positions, self.size, top, bottom)

    def valid(self) -> Bool[Tensor, "H W"]:
        """Where it shows the reference and not what lies beyond its edges; in whole positions of the LR grid."""
        height, width = self.size
        rows, columns = ((np.arange(-(-extent // self.scale)) + 0.5) * self.scale - 0.5 for extent in self.size)
        valid = np.empty((len(rows), len(columns)), bool)
        for top in range(0, len(rows), _ROWS_AT_ONCE):
            valid[top : top + _ROWS_AT_ONCE] = self._shows(columns[None, :], rows[top : top + _ROWS_AT_ONCE, None])
        return torch.from_numpy(valid.repeat(self.scale, 0)[:height].repeat(self.scale, 1)[:, :width])

    def _shows(self, x: Float[np.ndarray, "1 w"], y: Float[np.ndarray, "h 1"]) -> Bool[np.ndarray, "h w"]:
        x, y = self._positions(x, y)
        reach = self._ratio * self.scale / 2
        height, width = self.pixels.shape[:2]
        inside = (x > reach - 0.5) & (x < width - 0.5 - reach) & (y > reach - 0.5) & (y < height - 0.5 - reach)
        return inside & at_shares(self.shown, (x + 0.5) / width, (y + 0.5) / height)

    @property
    def _ratio(self) -> float:
        """Pixels of the reference for one of the view."""
        return max(_SMALLEST, self.placement.scale / self.scale)

    @property
    def _turn(self) -> Float[np.ndarray, "2 2"]:
        """From directions (x, y) in the view to those in the reference."""
        angle = np.radians(self.placement.turn)
        sine, cosine = np.sin(angle), np.cos(angle)
        return np.array([[cosine, -sine], [sine, cosine]])

    @property
    def _corners(self) -> Float[np.ndarray, "4 2"]:
        """Of the reference, in its pixels, turned back."""
        height, width = self.pixels.shape[:2]
        corners = np.array([[x, y] for x in (-0.5, width - 0.5) for y in (-0.5, height - 0.5)])
        return corners @ self._turn

    @property
    def _origin(self) -> Float[np.ndarray, " 2"]:
        """Where in the reference the first pixel of the view lies."""
        return self._turn @ (self._corners.min(0) + self._ratio / 2)

    def _positions(
        self, x: Float[np.ndarray, "*n"], y: Float[np.ndarray, "*m"]
    ) -> tuple[Float[np.ndarray, "*k"], Float[np.ndarray, "*k"]]:
        (a, b), (c, d) = self._turn * self._ratio
        left, top = self._origin
        return a * x + b * y + left, c * x + d * y + top
