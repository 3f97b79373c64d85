"""Tiles of a picture, and the canvas that blends their outputs."""

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
    """Extent of a tile along one axis, in LR pixels.

    ``start:stop`` is the part that the tile covers, ``outer_start:outer_stop`` the input of the network: that part with
    its halo. Tiles overlap by ``BLEND`` pixels on each side, with linearly decreasing weight.
    """

    start: int
    stop: int
    outer_start: int
    outer_stop: int

    @property
    def outer(self) -> slice:
        """Return the input of the network."""
        return slice(self.outer_start, self.outer_stop)

    def weighted(self, extent: int) -> slice:
        """Return the part with nonzero weight."""
        return slice(max(0, self.start - BLEND), min(extent, self.stop + BLEND))

    def weight(self, extent: int, scale: int) -> Float[Tensor, " n"]:
        """Return the weight of each output pixel of ``weighted``, a trapezoid; the weights of all tiles sum to one."""
        part = self.weighted(extent)
        centre = torch.arange(part.start * scale, part.stop * scale) + 0.5
        weight = torch.ones(len(centre))
        if self.start > 0:
            weight = weight.minimum((centre / scale - (self.start - BLEND)) / (2 * BLEND))
        if self.stop < extent:
            weight = weight.minimum((self.stop + BLEND - centre / scale) / (2 * BLEND))
        return weight


def spans(extent: int, tile: int, halo: int, first: int = 0) -> Iterator[Span]:
    """Cover ``first..extent`` with tiles of at most ``tile`` LR pixels and a halo of at least ``BLEND``."""
    for start, stop in cuts(extent, tile, first):
        yield Span(start, stop, max(0, start - halo), min(extent, stop + halo))


class Canvas:
    """Output picture into which tiles are blended row by row; finished rows are stored as integers.

    Only a band of rows is held in floating point. ``finish_row`` commits a row of tiles; ``restart_row`` discards the
    tiles added since, so that a row can be repeated with smaller tiles.
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
        """Discard the tiles added since the last finished row."""
        self._band = None

    def add(self, row: Span, column: Span, image: Float[Tensor, "3 _ _"]) -> None:
        """Add the output of a tile, which covers the outer extents of its spans."""
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
        """Convert the rows that no later tile overlaps to integers."""
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
