"""How large the output is, and how far and where references are used."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from srntt.errors import InputError

if TYPE_CHECKING:
    import srntt.upscale

_FIT = re.compile(r"(\d+)[xX](\d+)")
_BOX = re.compile(r"(-?\d+),(-?\d+),(-?\d+),(-?\d+)")


@Parameter(name="*")
@dataclass(frozen=True)
class SizeOptions:
    """How large the output is.

    Attributes:
        scale: Enlarge so many times, 1 to 16, such as 2, 1.5 or 8. Default: the model's factor, 4. Below it the model's
            output is reduced; above it there is a second pass, in which the references are matched once more.
        width: Width of the output in pixels; the height follows.
        height: Height of the output in pixels; the width follows.
        fit: Largest size that fits into WIDTHxHEIGHT, such as 3840x2160.
    """

    scale: float | None = None
    width: int | None = None
    height: int | None = None
    fit: str | None = None

    def size(self) -> "srntt.upscale.OutputSize":
        """Raises InputError for a size that cannot be, or several."""
        from srntt.upscale import OutputSize

        fit = None
        if self.fit is not None:
            found = _FIT.fullmatch(self.fit.strip())
            if not found:
                raise InputError(f"--fit {self.fit}: give WIDTHxHEIGHT, such as 3840x2160.")
            fit = int(found[1]), int(found[2])
        return OutputSize(self.scale, self.width, self.height, fit)


@Parameter(name="*")
@dataclass(frozen=True)
class InfluenceOptions:
    """How far and where references are used.

    Attributes:
        strength: How far references are used: 0, as if there were none, to 1. Default: 1.
        protect: Use no references in these places (faces, plates, text): a mask, a picture of any size whose white
            places are protected, or a box X,Y,W,H in pixels of the small picture. May be given several times.
        protect_invert: Use references in these places alone.
    """

    strength: float = 1.0
    protect: Annotated[tuple[str, ...], Parameter(allow_leading_hyphen=True)] = ()
    protect_invert: bool = False

    def check(self, *, with_references: bool) -> None:
        """Refuse what has no effect or cannot be.

        Raises:
            InputError: so.
        """
        from srntt.upscale import check_strength

        check_strength(self.strength)
        if (self.strength != 1 or self.protect) and not with_references:
            raise InputError("--strength and --protect are about references. Give some.")
        if self.protect_invert and not self.protect:
            raise InputError("--protect-invert needs --protect: the places where references are used.")

    @property
    def masks(self) -> tuple[Path, ...]:
        """The files among what is protected."""
        return tuple(Path(text) for text in self.protect if not _BOX.fullmatch(text))

    @property
    def boxes(self) -> "tuple[srntt.upscale.Box, ...]":
        """The boxes among it."""
        found = (_BOX.fullmatch(text) for text in self.protect)
        return tuple((int(box[1]), int(box[2]), int(box[3]), int(box[4])) for box in found if box)

    def as_arguments(self) -> dict[str, Any]:
        """As ``Upscaler.upscale`` takes them."""
        protect = [*self.boxes, *self.masks]
        return {"strength": self.strength, "protect": protect, "protect_invert": self.protect_invert}
