"""What a protocol is put together from: small frozen parts, each one cell of the field's table of protocols.

A padding says how large a picture becomes and what fills the rest; a protocol uses the same paddings for the picture
that the low-res one is made of, and for references. Pictures are 8-bit RGB here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from srntt._shapes import UInt8
from srntt.errors import InputError
from srntt.evaluate._degraded import BLUR, NOISE, QUALITY, degraded
from srntt.image import resize_pillow

Fill = Literal["black", "edge"]
Size = tuple[int, int]
"""Height and width in pixels."""


@dataclass(frozen=True, eq=False)
class Placed:
    """A picture with something around it, and where in that it lies."""

    picture: UInt8[np.ndarray, "H W 3"]
    top: int = 0
    left: int = 0


@dataclass(frozen=True)
class AsItIs:
    """Neither cropped nor padded."""

    def crop(self, picture: UInt8[np.ndarray, "H W 3"]) -> UInt8[np.ndarray, "H W 3"]:
        """The picture."""
        return picture

    def pad(self, picture: UInt8[np.ndarray, "H W 3"], others: Sequence[Size]) -> Placed:
        """The picture."""
        return Placed(picture)

    def __str__(self) -> str:
        return "as it is"


@dataclass(frozen=True)
class CropToMultiple:
    """Rows and columns at the bottom and right are left out until both sides are multiples."""

    of: int

    def crop(self, picture: UInt8[np.ndarray, "H W 3"]) -> UInt8[np.ndarray, "h w 3"]:
        """What is left; empty where a side is shorter than one multiple."""
        height, width = (extent // self.of * self.of for extent in picture.shape[:2])
        return np.ascontiguousarray(picture[:height, :width])

    def __str__(self) -> str:
        return f"cropped top-left to multiples of {self.of}"


@dataclass(frozen=True)
class PadToMultiple:
    """Filled up until both sides are multiples; the odd pixel, where centred, goes to the bottom and right."""

    of: int
    fill: Fill
    centred: bool

    def pad(self, picture: UInt8[np.ndarray, "H W 3"], others: Sequence[Size]) -> Placed:
        """The picture in a frame of its own."""
        height, width = picture.shape[:2]
        return _framed(picture, (-(-height // self.of) * self.of, -(-width // self.of) * self.of), self)

    def __str__(self) -> str:
        return f"padded ({self.fill}, {_where(self.centred)}) to multiples of {self.of}"


@dataclass(frozen=True)
class PadTo:
    """Filled up to a size; a larger picture is refused, as the published code cannot take it either."""

    height: int
    width: int
    fill: Fill
    centred: bool = False

    def pad(self, picture: UInt8[np.ndarray, "H W 3"], others: Sequence[Size]) -> Placed:
        """The picture in a frame of that size.

        Raises:
            InputError: it is larger.
        """
        if picture.shape[0] > self.height or picture.shape[1] > self.width:
            raise InputError(
                f"A picture of {picture.shape[1]}x{picture.shape[0]} does not fit into the {self.width}x{self.height} "
                "that the protocol pads to. Take a protocol without this padding."
            )
        return _framed(picture, (self.height, self.width), self)

    def __str__(self) -> str:
        return f"padded ({self.fill}, {_where(self.centred)}) to {self.width}x{self.height}"


@dataclass(frozen=True)
class PadToCommonSize:
    """Filled up, at the bottom and right, to the largest height and width among the target and its references."""

    fill: Fill = "black"
    centred: bool = False

    def pad(self, picture: UInt8[np.ndarray, "H W 3"], others: Sequence[Size]) -> Placed:
        """The picture in a frame as large as it and ``others`` need."""
        heights, widths = zip(picture.shape[:2], *others, strict=True)
        return _framed(picture, (max(heights), max(widths)), self)

    def __str__(self) -> str:
        return f"padded ({self.fill}, {_where(self.centred)}) to the size that target and references have in common"


@dataclass(frozen=True)
class Stack:
    """References of one width become one picture, the first at the top."""

    def __str__(self) -> str:
        return "stacked into one picture, the first at the top"


_LOW_RES = {
    "pillow": "Pillow bicubic on 8 bits",
    "own": "the set's own file (MATLAB bicubic)",
    "degraded": (
        f"Gaussian blur of {BLUR[0]}..{BLUR[1]} pixels, Pillow bicubic, Gaussian noise of {NOISE[0]:g}..{NOISE[1]:g} "
        f"levels, JPEG of quality {QUALITY[0]}..{QUALITY[1]}, drawn from the target's name"
    ),
}


@dataclass(frozen=True)
class LowRes:
    """Where the low-res picture comes from: Pillow's bicubic on 8 bits, the set's own file, or a camera's lot."""

    made_by: Literal["pillow", "own", "degraded"]

    def shrink(self, picture: UInt8[np.ndarray, "H W 3"], scale: int, name: str) -> UInt8[np.ndarray, "h w 3"]:
        """The picture of that name made smaller, on 8-bit samples."""
        if self.made_by == "degraded":
            return degraded(picture, scale, name)
        return resize_pillow(picture, (picture.shape[0] // scale, picture.shape[1] // scale))

    def __str__(self) -> str:
        return _LOW_RES[self.made_by]


Crop = AsItIs | CropToMultiple
Padding = AsItIs | PadToMultiple | PadTo | PadToCommonSize
ReferenceStep = CropToMultiple | PadToMultiple | PadTo | PadToCommonSize | Stack


def _framed(picture: UInt8[np.ndarray, "h w 3"], size: Size, how: PadToMultiple | PadTo | PadToCommonSize) -> Placed:
    missing = [whole - extent for whole, extent in zip(size, picture.shape[:2], strict=True)]
    before = [extent // 2 if how.centred else 0 for extent in missing]
    around = [(start, extent - start) for start, extent in zip(before, missing, strict=True)]
    mode = "edge" if how.fill == "edge" else "constant"
    return Placed(np.pad(picture, (*around, (0, 0)), mode=mode), *before)


def _where(centred: bool) -> str:
    return "on all sides" if centred else "bottom and right"
