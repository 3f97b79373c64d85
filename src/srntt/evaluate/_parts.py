"""Building blocks of protocols: crops, paddings, stacking and downsampling, as frozen dataclasses.

Paddings apply to the high-res picture before it is downsampled, and to references. Pictures are 8-bit RGB.
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
    """Padded picture, and the position of the original in it."""

    picture: UInt8[np.ndarray, "H W 3"]
    top: int = 0
    left: int = 0


@dataclass(frozen=True)
class Unchanged:
    """Neither crop nor pad."""

    def crop(self, picture: UInt8[np.ndarray, "H W 3"]) -> UInt8[np.ndarray, "H W 3"]:
        """Return the picture."""
        return picture

    def pad(self, picture: UInt8[np.ndarray, "H W 3"], others: Sequence[Size]) -> Placed:
        """Return the picture."""
        return Placed(picture)

    def __str__(self) -> str:
        return "unchanged"


@dataclass(frozen=True)
class CropToMultiple:
    """Crop at the bottom and right to multiples of a number."""

    of: int

    def crop(self, picture: UInt8[np.ndarray, "H W 3"]) -> UInt8[np.ndarray, "h w 3"]:
        """Return the cropped picture; empty if a side is shorter than one multiple."""
        height, width = (extent // self.of * self.of for extent in picture.shape[:2])
        return np.ascontiguousarray(picture[:height, :width])

    def __str__(self) -> str:
        return f"cropped top-left to multiples of {self.of}"


@dataclass(frozen=True)
class Pad:
    """Padding at the bottom and right, or on all sides, with an odd pixel at the bottom and right.

    Attributes:
        to: Number of which both sides become multiples; or height and width; or None for the largest height and width
            among the target and its references.
        fill: Content of the padding.
        centred: Whether to pad on all sides.
    """

    to: int | Size | None
    fill: Fill = "black"
    centred: bool = False

    def pad(self, picture: UInt8[np.ndarray, "H W 3"], others: Sequence[Size]) -> Placed:
        """Pad a picture.

        Raises:
            InputError: The picture is larger than the padded size, a case in which the published code fails, too.
        """
        extents = picture.shape[:2]
        if self.to is None:
            whole = tuple(map(max, zip(extents, *others, strict=True)))
        elif isinstance(self.to, int):
            whole = tuple(-(-extent // self.to) * self.to for extent in extents)
        else:
            whole = self.to
        missing = [size - extent for size, extent in zip(whole, extents, strict=True)]
        if min(missing) < 0:
            raise InputError(
                f"A picture of {extents[1]}x{extents[0]} does not fit in the {whole[1]}x{whole[0]} that the protocol "
                "pads to. Use a protocol without this padding."
            )
        before = [extent // 2 if self.centred else 0 for extent in missing]
        around = [(start, extent - start) for start, extent in zip(before, missing, strict=True)]
        mode = "edge" if self.fill == "edge" else "constant"
        return Placed(np.pad(picture, (*around, (0, 0)), mode=mode), *before)

    def __str__(self) -> str:
        if self.to is None:
            goal = "the size that target and references have in common"
        else:
            goal = f"multiples of {self.to}" if isinstance(self.to, int) else f"{self.to[1]}x{self.to[0]}"
        return f"padded ({self.fill}, {'on all sides' if self.centred else 'bottom and right'}) to {goal}"


@dataclass(frozen=True)
class Stack:
    """Stacking of references of equal width into one picture, the first at the top."""

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
    """Origin of the low-res picture: Pillow's bicubic on 8 bits, a file of the set, or simulated degradation."""

    made_by: Literal["pillow", "own", "degraded"]

    def shrink(self, picture: UInt8[np.ndarray, "H W 3"], scale: int, name: str) -> UInt8[np.ndarray, "h w 3"]:
        """Downsample a picture in 8 bits; the degradation, if any, is drawn from `name`."""
        if self.made_by == "degraded":
            return degraded(picture, scale, name)
        return resize_pillow(picture, (picture.shape[0] // scale, picture.shape[1] // scale))

    def __str__(self) -> str:
        return _LOW_RES[self.made_by]


Crop = Unchanged | CropToMultiple
Padding = Unchanged | Pad
ReferenceStep = CropToMultiple | Pad | Stack
