"""Any output size from a model of one factor: its output reduced, or a second pass that continues from the first.

Up to the model's factor its output, kept in 16 bits, is reduced by antialiased bicubic. Beyond it, a first pass makes
the size from which the model's factor leads to the wanted one, and the references are matched and placed once more
there: a reference that has detail for 8x shows it at the size at which 8x needs it.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from srntt.errors import InputError
from srntt.image import Picture
from srntt.upscale._consistent import Consistency
from srntt.upscale._provenance import Provenance

_LEAST = 1.0


@dataclass(frozen=True)
class OutputSize:
    """The size that was asked for; in pixels but for the scale. At most one way to say it.

    Attributes:
        scale: output pixels for each input pixel along a side.
        width: of the output; its height follows, unless that is given, too.
        height: likewise.
        fit: width and height that the output is to fit into.
    """

    scale: float | int | None = None
    width: int | None = None
    height: int | None = None
    fit: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        ways = [self.scale is not None, self.width is not None or self.height is not None, self.fit is not None]
        if sum(ways) > 1:
            raise InputError("scale, width or height, and fit are three ways to say one size. Give one of them.")
        if self.scale is not None and not (math.isfinite(self.scale) and self.scale >= _LEAST):
            raise InputError(f"scale {self.scale:g}: give 1 or more, such as 2, 1.5 or 8.")
        for name, pixels in (("width", self.width), ("height", self.height), *zip("WH", self.fit or (), strict=False)):
            if pixels is not None and pixels < 1:
                raise InputError(f"{name} {pixels}: give at least 1 pixel.")

    @property
    def is_given(self) -> bool:
        """Whether anything was asked for."""
        return self != OutputSize()

    def of(self, height: int, width: int, factor: int) -> tuple[int, int]:
        """Height and width of the output.

        Args:
            height: of the small picture.
            width: likewise.
            factor: of the model, which makes the size where none was asked for.

        Raises:
            InputError: smaller than the picture, larger than two passes make, or of another shape.
        """
        scale = self._scale(height, width, factor)
        if not _LEAST <= scale <= factor**2:
            raise InputError(
                f"The picture of {width} x {height} pixels would be enlarged {scale:.3g} times; this model enlarges "
                f"1 to {factor**2} times: {width} x {height} to {width * factor**2} x {height * factor**2} pixels."
            )
        rows, columns = (max(1, round(pixels * scale)) for pixels in (height, width))
        rows, columns = self.height or rows, self.width or columns
        if max(abs(rows - height * columns / width), abs(columns - width * rows / height) * rows / columns) > 1:
            raise InputError(
                f"{columns} x {rows} has another shape than the picture of {width} x {height}. Give width or height "
                f"alone, or fit={columns}x{rows} for the largest size that fits into it."
            )
        return rows, columns

    def _scale(self, height: int, width: int, factor: int) -> float:
        if self.fit:
            return min(self.fit[0] / width, self.fit[1] / height)
        if self.width or self.height:
            return self.width / width if self.width else (self.height or 0) / height
        return float(factor if self.scale is None else self.scale)


def steps(source: tuple[int, int], target: tuple[int, int], factor: int) -> tuple[tuple[int, int], ...]:
    """Height and width after each pass: the target, or what the second pass starts from, and the target.

    Args:
        source: height and width of the small picture.
        target: likewise of the output.
        factor: of the model.
    """
    if all(large <= factor * small for small, large in zip(source, target, strict=True)):
        return (target,)
    half_way = [max(small, math.ceil(large / factor)) for small, large in zip(source, target, strict=True)]
    return (half_way[0], half_way[1]), target


def note(source: Picture, target: tuple[int, int], factor: int) -> tuple[str, ...]:
    """How a size that is not the model's own was made."""
    if target == (source.height * factor, source.width * factor):
        return ()
    *first, _ = steps((source.height, source.width), target, factor)
    if not first:
        return (f"size: enlarged {factor} times and reduced to {target[1]} x {target[0]}",)
    ((height, width),) = first
    return (f"size: two passes, by way of {width} x {height}; references were matched in both",)


def joined_origins(first: Provenance | None, last: Provenance | None) -> Provenance | None:
    """Provenance of two passes on the grid of the second: at each position, of the pass that took more."""
    if first is None or last is None or first is last:
        return last
    rows, columns = (
        np.arange(many) * few // many for few, many in zip(first.share.shape, last.share.shape, strict=True)
    )
    places = np.ix_(rows, columns)
    more = first.share[places] > last.share
    maps = {
        name: np.where(more, getattr(first, name)[places], getattr(last, name))
        for name in ("reference", "y", "x", "share")
    }
    return replace(last, **maps)


def worst(each: list[Consistency]) -> Consistency:
    """Of several passes, each compared with what it started from."""
    return Consistency(max(one.mean for one in each), max(one.largest for one in each), max(one.missed for one in each))
