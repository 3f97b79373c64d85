"""A reference turned and scaled, for textures that occur at another angle or size."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from srntt._shapes import Float
from srntt.errors import InputError
from srntt.image import Picture, resize_bicubic
from srntt.memory import cuts
from srntt.views._plane_map import PlaneMap
from srntt.views._view import Rows, Size, View

_AT_ONCE = 256  # rows, then columns, that are resized
_FLOATS = 3 * 4  # bytes of a pixel

Window = Callable[[slice, slice], Float[Tensor, "3 h w"]]
"""Gives these rows and columns of a picture."""


@dataclass(frozen=True)
class TurnedViews:
    """Makes views in each of these scales and quarter turns (paper, section 3.1; absent in its code).

    They compete with each other and with the plain view. Scaling is bicubic, with antialiasing where it shrinks.

    Attributes:
        kinds: scale and quarter turns, counterclockwise, of each view.

    Raises:
        InputError: a scale not above 0, or turns that are not 0..3.

    Example:
        >>> import numpy as np
        >>> from srntt.image import Picture
        >>> reference = Picture(np.zeros((50, 30, 3), np.uint8))
        >>> [(view.name, view.size) for view in TurnedViews([(1.0, 1), (0.5, 0)])(reference)]
        [('turned 90', (30, 50)), ('scaled 0.5', (25, 15))]
    """

    # PAPER: the paper scales and rotates references, the released code does not; here it is the caller's choice.
    kinds: Sequence[tuple[float, int]] = tuple((scale, turns) for scale in (1.0, 0.5) for turns in range(4))[1:]

    def __post_init__(self) -> None:
        for scale, turns in self.kinds:
            if scale <= 0 or turns not in range(4):
                raise InputError(f"scale {scale}, {turns} turns: give scales above 0 and 0, 1, 2 or 3 quarter turns.")

    def __call__(self, reference: Picture) -> Iterator[View]:
        original = (reference.height, reference.width)
        for scale in dict.fromkeys(scale for scale, _ in self.kinds):
            size = _scaled(original, scale)
            if min(size) < 1:
                continue
            window = _window(reference, size)
            for turns in (turns for other, turns in self.kinds if other == scale):
                rows = _rows(window, size, turns)
                yield View(_name(scale, turns), _turned(size, turns), rows, way_back(original, scale, turns))

    def sizes(self, reference: Size) -> list[Size]:
        return [_turned(_scaled(reference, scale), turns) for scale, turns in self.kinds]

    def transient_bytes(self, reference: Size) -> int:
        """A scaled picture, and the one of its width and the reference's height that it is made of."""
        (height, width), scaled = reference, [_scaled(reference, scale) for scale, _ in self.kinds]
        made = [(rows * columns + height * columns, rows) for rows, columns in scaled if (rows, columns) != reference]
        return max((_FLOATS * (pixels + _AT_ONCE * (width + height + rows)) for pixels, rows in made), default=0)


def _rows(window: Window, size: Size, turns: int) -> Rows:
    """Rows of a picture after quarter turns."""
    (height, width), everything = size, slice(None)

    def rows(top: int, bottom: int) -> Float[Tensor, "3 h w"]:
        shown = (
            (slice(top, bottom), everything),
            (everything, slice(width - bottom, width - top)),
            (slice(height - bottom, height - top), everything),
            (everything, slice(top, bottom)),
        )[turns]
        picture = window(*shown)
        return torch.rot90(picture, turns, (1, 2)).contiguous() if turns else picture

    return rows


def way_back(original: Size, scale: float, turns: int) -> PlaneMap:
    """From a picture of this size, scaled and then turned, to itself."""
    size = _scaled(original, scale)
    return PlaneMap.resized(original, size).after(PlaneMap.turned(size, turns))


def _window(reference: Picture, size: Size) -> Window:
    """Of a reference brought to a size."""
    if size == (reference.height, reference.width):
        return reference.window
    resized = _resize(reference, size)
    return lambda rows, columns: resized[:, rows, columns]


def _resize(reference: Picture, size: Size) -> Float[Tensor, "3 h w"]:
    """Bicubic with antialiasing, across and then down, in bands: what ``resize_bicubic`` gives for the whole."""
    height, width = size
    narrow = torch.empty(3, reference.height, width)
    for top, bottom in cuts(reference.height, _AT_ONCE):
        narrow[:, top:bottom] = resize_bicubic(reference.rgb(top, bottom)[None], (bottom - top, width))[0]
    resized = torch.empty(3, height, width)
    for left, right in cuts(width, _AT_ONCE):
        resized[:, :, left:right] = resize_bicubic(narrow[None, :, :, left:right], (height, right - left))[0]
    return resized.clamp_(0.0, 1.0)


def _scaled(size: Size, scale: float) -> Size:
    return round(size[0] * scale), round(size[1] * scale)


def _turned(size: Size, turns: int) -> Size:
    return (size[1], size[0]) if turns % 2 else size


def _name(scale: float, turns: int) -> str:
    """Such as ``scaled 0.5, turned 90``."""
    parts = [f"scaled {scale:g}"] * (scale != 1) + [f"turned {90 * turns}"] * (turns != 0)
    return ", ".join(parts) or "plain"
