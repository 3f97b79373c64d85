"""Tiles that cover a picture once, and the canvas that blends them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from srntt._shapes import Float, Shaped
from srntt.image import to_pixels
from srntt.memory import BLEND, cuts

_ROUNDED_AT_ONCE = 64  # output rows


@dataclass(frozen=True)
class Span:
    """One tile along one axis, in LR pixels.

    ``start:stop`` is the part that it answers for, ``outer_start:outer_stop`` what the network is shown: that part and
    its halo. It reaches ``BLEND`` pixels over into its neighbours with a falling weight.
    """

    start: int
    stop: int
    outer_start: int
    outer_stop: int

    @property
    def outer(self) -> slice:
        """What the network is shown."""
        return slice(self.outer_start, self.outer_stop)

    def weighted(self, extent: int) -> slice:
        """Where its weight is above zero."""
        return slice(max(0, self.start - BLEND), min(extent, self.stop + BLEND))

    def weight(self, extent: int, scale: int) -> Float[Tensor, " n"]:
        """Weight of each output pixel of ``weighted``: a trapezoid; those of all tiles sum to one everywhere."""
        part = self.weighted(extent)
        centre = torch.arange(part.start * scale, part.stop * scale) + 0.5
        weight = torch.ones(len(centre))
        if self.start > 0:
            weight = weight.minimum((centre / scale - (self.start - BLEND)) / (2 * BLEND))
        if self.stop < extent:
            weight = weight.minimum((self.stop + BLEND - centre / scale) / (2 * BLEND))
        return weight


def spans(extent: int, tile: int, halo: int, first: int = 0) -> Iterator[Span]:
    """Cover ``first..extent`` with tiles of at most ``tile`` pixels.

    Args:
        extent: LR pixels along the axis.
        tile: largest part that a tile answers for; at least ``SMALLEST``.
        halo: context on both sides; at least ``BLEND``.
        first: where to start; what lies before it has been covered.
    """
    for start, stop in cuts(extent, tile, first):
        yield Span(start, stop, max(0, start - halo), min(extent, stop + halo))


class Canvas:
    """Collects blended tiles row by row and keeps the finished rows as whole numbers.

    Only a band of rows is held in floating point. A row of tiles counts once ``finish_row`` is called; ``restart_row``
    forgets the tiles added since, so that a row can be done again in smaller tiles.
    """

    def __init__(self, height: int, width: int, scale: int, *, bits: int, gray: bool) -> None:
        self.height, self.width, self.scale = height, width, scale
        self._bits, self._gray = bits, gray
        shape = (height * scale, width * scale, 1 if gray else 3)
        self.pixels: Shaped[np.ndarray, "H W c"] = np.empty(shape, np.uint8 if bits == 8 else np.uint16)
        self._carry = torch.zeros(3, 0, width * scale)
        self._carry_top = 0
        self._band: Tensor | None = None

    def restart_row(self) -> None:
        """Forget the tiles since the last finished row."""
        self._band = None

    def add(self, row: Span, column: Span, image: Float[Tensor, "3 _ _"]) -> None:
        """Add a tile's output, which covers the outer parts of its spans."""
        rows, columns = row.weighted(self.height), column.weighted(self.width)
        if self._band is None:
            self._band = torch.zeros(3, (rows.stop - self._carry_top) * self.scale, self.width * self.scale)
            self._band[:, : self._carry.shape[1]] = self._carry
        part = image[:, *(self._inside(span, of) for span, of in ((row, rows), (column, columns)))]
        weight = row.weight(self.height, self.scale)[:, None] * column.weight(self.width, self.scale)
        top = (rows.start - self._carry_top) * self.scale
        left = columns.start * self.scale
        self._band[:, top : top + part.shape[1], left : left + part.shape[2]] += part.cpu() * weight

    def finish_row(self, row: Span) -> None:
        """Turn the rows that no later tile reaches into whole numbers."""
        assert self._band is not None
        final = row.stop if row.stop == self.height else max(self._carry_top, row.stop - BLEND)
        count = (final - self._carry_top) * self.scale
        top = self._carry_top * self.scale
        for start, stop in cuts(count, _ROUNDED_AT_ONCE):
            part = to_pixels(self._band[:, start:stop], bits=self._bits, gray=self._gray)
            self.pixels[top + start : top + stop] = part
        self._carry, self._carry_top, self._band = self._band[:, count:].clone(), final, None

    def _inside(self, span: Span, part: slice) -> slice:
        return slice((part.start - span.outer_start) * self.scale, (part.stop - span.outer_start) * self.scale)
