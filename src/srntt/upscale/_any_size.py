"""Output sizes other than the scale of the model: downsampling of the output, or a second pass.

Below the scale of the model, its output, kept in 16 bits, is downsampled by antialiased bicubic. Above it, a first pass
produces the size from which the model reaches the target, where the references are aligned and matched again. A
reference with detail for 8x thus contributes it at the size at which 8x needs it.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from srntt._numbers import as_number
from srntt.errors import InputError
from srntt.image import Picture
from srntt.upscale._provenance import Provenance, places_behind

_LEAST = 1.0
_MOST_PIXELS = 10**9


@dataclass(frozen=True)
class OutputSize:
    """Requested size of the output, given by scale, by width or height, or by the size to fit in.

    Attributes:
        scale: Upscaling factor.
        width: Width of the output in pixels; the height follows unless given.
        height: Height of the output in pixels; the width follows unless given.
        fit: Width and height in which the output must fit, in pixels.
    """

    scale: float | int | None = None
    width: int | None = None
    height: int | None = None
    fit: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        for name, given in (("scale", self.scale), ("width", self.width), ("height", self.height)):
            if given is not None and as_number(given) is None:
                raise InputError(f"{name} is {given!r}; give a number.")
        ways = [self.scale is not None, self.width is not None or self.height is not None, self.fit is not None]
        if sum(ways) > 1:
            raise InputError("scale, width or height, and fit exclude each other. Give one of them.")
        if (scale := as_number(self.scale)) is not None and not _LEAST <= scale < math.inf:
            raise InputError(f"scale {scale:g}: give 1 or more, such as 2, 1.5 or 8.")
        for name, given in (("width", self.width), ("height", self.height), *zip("WH", self.fit or (), strict=False)):
            if (pixels := as_number(given)) is not None and not 1 <= pixels <= _MOST_PIXELS:
                raise InputError(f"{name} {pixels:g}: give 1 to {_MOST_PIXELS:,} pixels.")

    @property
    def is_given(self) -> bool:
        """Whether a size was requested."""
        return self != OutputSize()

    def of(self, height: int, width: int, factor: int) -> tuple[int, int]:
        """Return height and width of the output for a picture of this size and a model of this factor.

        Raises:
            InputError: The size is smaller than the picture, too large for two passes, or has another aspect ratio.
        """
        scale = self._scale(height, width, factor)
        if not _LEAST <= scale <= factor**2:
            raise InputError(
                f"The picture of {width} x {height} pixels would be upscaled {scale:.3g} times; this model supports "
                f"1 to {factor**2} times: {width} x {height} to {width * factor**2} x {height * factor**2} pixels."
            )
        rows, columns = (max(1, round(pixels * scale)) for pixels in (height, width))
        rows, columns = self.height or rows, self.width or columns
        if max(abs(rows - height * columns / width), abs(columns - width * rows / height) * rows / columns) > 1:
            raise InputError(
                f"{columns} x {rows} differs in aspect ratio from the picture of {width} x {height}. Give only width "
                f"or height, or fit={columns}x{rows} for the largest size that fits."
            )
        return rows, columns

    def _scale(self, height: int, width: int, factor: int) -> float:
        if self.fit:
            return min(self.fit[0] / width, self.fit[1] / height)
        if self.width or self.height:
            return self.width / width if self.width else (self.height or 0) / height
        return float(factor if self.scale is None else self.scale)


def checked_size(size: tuple[int | None, int | None] | None) -> tuple[int | None, int | None]:
    """Return width and height as given; raise InputError if these are not two."""
    if size is not None and not (isinstance(size, tuple | list) and len(size) == 2):
        raise InputError(f"size is {size!r}; give (width, height), one of which may be None.")
    return (None, None) if size is None else (size[0], size[1])


def steps(source: tuple[int, int], target: tuple[int, int], factor: int) -> tuple[tuple[int, int], ...]:
    """Return height and width after each pass: the target, or the intermediate size and the target."""
    if all(large <= factor * small for small, large in zip(source, target, strict=True)):
        return (target,)
    half_way = [max(small, math.ceil(large / factor)) for small, large in zip(source, target, strict=True)]
    return (half_way[0], half_way[1]), target


def note(source: Picture, target: tuple[int, int], factor: int) -> tuple[str, ...]:
    """Return a note on how a size other than the scale of the model was reached."""
    if target == (source.height * factor, source.width * factor):
        return ()
    *first, _ = steps((source.height, source.width), target, factor)
    if not first:
        return (f"size: upscaled {factor} times and downsampled to {target[1]} x {target[0]}",)
    ((height, width),) = first
    return (f"size: two passes, by way of {width} x {height}; references were matched in both",)


def joined_origins(first: Provenance | None, last: Provenance | None) -> Provenance | None:
    """Combine the provenance of two passes on the grid of the second, using the larger share at each position."""
    if first is None or last is None:
        return last
    places = np.ix_(*places_behind(last.share.shape, first.share.shape))
    more = first.share[places] > last.share
    maps = {
        name: np.where(more, getattr(first, name)[places], getattr(last, name))
        for name in ("reference", "y", "x", "share")
    }
    return replace(last, **maps)
