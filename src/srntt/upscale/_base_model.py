"""Base computed by an upscaler in an ONNX file, in overlapping tiles that fit in memory."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F

from srntt._shapes import Float
from srntt.errors import InputError, MemoryBudgetError, ModelError
from srntt.image import Picture
from srntt.memory import BLEND, budget_bytes, cuts, format_memory, give_back, peak_bytes, resident_bytes, start_peak
from srntt.models import Progress
from srntt.upscale._base_file import PROBED, BaseFile
from srntt.upscale._tiles import Canvas, Span

_SIDES = (256, 192, 128, 96, PROBED)
_USABLE = 0.9  # fraction of the budget that is used
_BITS = 16  # depth of the base, so that rounding to the depth of the picture happens once, at the end
_SPARE = 2  # margin on the memory of the test picture, since freed blocks are not all used again
_FLOATS = 3 * 4  # bytes per pixel


class MadeBase(NamedTuple):
    """Output of a base model in 16 bits, predicted peak memory of the process in bytes, deviations from the plan."""

    picture: Picture
    predicted: int
    fallbacks: tuple[str, ...]


class BaseModel:
    """Upscaler in an ONNX file, run on the CPU.

    Args:
        path: Path of the file.
        memory: Budget of the process for a first run on a test picture, in bytes; None for most of the free memory.

    Attributes:
        name, sha256: Of the file.
        scale: Upscaling factor.

    Raises:
        MissingDependencyError, ModelError: See `BaseFile.open`; or the model fails on a test picture.
        MemoryBudgetError: It exceeds the budget there.
    """

    def __init__(self, path: str | Path, memory: int | None = None) -> None:
        self._file = BaseFile.open(path)
        self.name, self.sha256 = self._file.path.name, self._file.sha256
        height, width = self._file.side or (PROBED, PROBED)
        start_peak()
        before = resident_bytes()
        probe = np.linspace(0, 1, 3 * height * width, dtype=np.float32).reshape(1, 3, height, width)
        large = self._file(probe, budget_bytes(memory))
        self._pixel_bytes = max(0, peak_bytes() - before) / (height * width)
        self.scale: int = large.shape[2] // height

    def check_scale(self, scale: int, model: str) -> None:
        """Raise InputError if its scale differs from that of the model."""
        if self.scale != scale:
            raise InputError(
                f"The base model {self._file.path} has scale {self.scale}, but {model} has scale {scale}. Give a base "
                "model of the same scale."
            )

    def enlarge(self, source: Picture, budget: int, progress: Progress) -> MadeBase:
        """Upscale a picture within a budget of the process, in bytes; progress is called with ("base", done, total).

        Raises:
            MemoryBudgetError: Not even the smallest tile fits.
            ModelError: The model fails on this picture.
        """
        low_res, fallbacks = source.rgb(), list[str]()
        give_back()
        held = resident_bytes()
        if self._file.side:
            sizes = [self._file.side]
        else:
            sizes = [(_at_most(source.height, side), _at_most(source.width, side)) for side in _SIDES]
        fitting = [size for size in sizes if held + self._bytes(size, source) <= _USABLE * budget]
        if not fitting:
            least = held + self._bytes(sizes[-1], source)
            raise MemoryBudgetError(
                f"The base model {self.name} needs {format_memory(least)} even in tiles of {sizes[-1][1]} x "
                f"{sizes[-1][0]}. The budget is {format_memory(budget)}, a tenth of it kept in reserve. Allow more "
                "memory, or give a smaller base model."
            )
        predicted = held + self._bytes(fitting[0], source)

        def made(size: tuple[int, int]) -> MadeBase:
            picture = self._unpadded_first(source, size, partial(self._tiled, low_res, source, budget, progress))
            give_back()
            return MadeBase(picture, predicted, tuple(fallbacks))

        *larger, smallest = fitting
        for size in larger:
            try:
                return made(size)
            except MemoryBudgetError as error:
                fallbacks.append(f"base: {error} Continued with smaller tiles.")
        return made(smallest)

    def _bytes(self, size: tuple[int, int], source: Picture) -> int:
        """Return the memory of the base, of a row of tiles in floating point, and of the model for one tile."""
        output = source.height * source.width * self.scale**2
        rows = min(size[0] + 4 * BLEND, source.height) * source.width * self.scale**2
        tile = size[0] * size[1] * self.scale**2 * _FLOATS * 2
        return int(output * 3 * _BITS // 8 + rows * _FLOATS + tile + size[0] * size[1] * self._pixel_bytes * _SPARE)

    def _unpadded_first(
        self, source: Picture, size: tuple[int, int], tiled: Callable[[tuple[int, int]], Picture]
    ) -> Picture:
        """Upscale a picture smaller than a tile without padding; if the model needs whole windows, with padding."""
        exact = (min(size[0], source.height), min(size[1], source.width))
        if self._file.side is None and exact != size:
            with suppress(ModelError):
                return tiled(exact)
        return tiled(size)

    def _tiled(
        self,
        low_res: Float[torch.Tensor, "3 h w"],
        source: Picture,
        budget: int,
        progress: Progress,
        size: tuple[int, int],
    ) -> Picture:
        """Upscale a picture in tiles of a size."""
        canvas = Canvas(source.height, source.width, self.scale, bits=_BITS, gray=False)
        rows, columns = (_spans(extent, side) for extent, side in zip((source.height, source.width), size, strict=True))
        for number, row in enumerate(rows):
            for column in columns:
                tile = _cut(low_res, row, column)
                large = self._file(tile[None].numpy(), budget)[0]
                canvas.add(row, column, torch.from_numpy(large))
            canvas.finish_row(row)
            progress("base", number + 1, len(rows))
        return Picture(canvas.pixels, source=self.name)


def _at_most(extent: int, side: int) -> int:
    """Return the side of a tile: for a small picture, its side in whole windows of 16, as windowed networks need."""
    return min(side, max(PROBED, -(-extent // 16) * 16))


def _spans(extent: int, side: int) -> list[Span]:
    """Return tiles with windows of exactly `side` pixels, which may extend beyond the picture."""
    halo = max(BLEND, min(24, side // 6))
    pieces = [(0, extent)] if extent <= side else cuts(extent, side - 2 * halo)
    starts = [min(max(0, start - halo), max(0, extent - side)) for start, _ in pieces]
    return [Span(*piece, first, first + side) for piece, first in zip(pieces, starts, strict=True)]


def _cut(low_res: Float[torch.Tensor, "3 h w"], row: Span, column: Span) -> Float[torch.Tensor, "3 _ _"]:
    """Cut the window of a tile, repeating the edge pixels beyond the picture."""
    seen = low_res[:, row.outer, column.outer]
    below = row.outer_stop - row.outer_start - seen.shape[1]
    right = column.outer_stop - column.outer_start - seen.shape[2]
    return F.pad(seen[None], (0, right, 0, below), mode="replicate")[0].contiguous()
