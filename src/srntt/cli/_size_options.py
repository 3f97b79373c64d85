"""Options for the size of the output, and for the influence of references."""

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
    """Size of the output.

    Attributes:
        scale: Upscaling factor, 1 to 16, such as 2, 1.5 or 8. Default: that of the model, 4. For smaller factors, the
            output of the model is downsampled; for larger ones, a second pass matches the references again.
        width: Width of the output in pixels, keeping the aspect ratio.
        height: Height of the output in pixels, keeping the aspect ratio.
        fit: Largest size that fits in WIDTHxHEIGHT, such as 3840x2160.
    """

    scale: float | None = None
    width: int | None = None
    height: int | None = None
    fit: str | None = None

    def size(self) -> "srntt.upscale.OutputSize":
        """Return the requested size; raise InputError if it is invalid, or for several sizes."""
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
    """Influence of references.

    Attributes:
        strength: Strength of the references, from 0 (as without references) to 1. Default: 1.
        protect: Do not use references in these places (faces, plates, text): a mask, i.e. a picture of any size that is
            white in protected places, or a box X,Y,W,H in pixels of the low-res picture. May be repeated.
        protect_invert: Use references in these places only.
    """

    strength: float = 1.0
    protect: Annotated[tuple[str, ...], Parameter(allow_leading_hyphen=True)] = ()
    protect_invert: bool = False

    def check(self, *, with_references: bool) -> None:
        """Validate the options.

        Raises:
            InputError: An option is invalid or has no effect.
        """
        from srntt.upscale import check_strength

        check_strength(self.strength)
        if (self.strength != 1 or self.protect) and not with_references:
            raise InputError("--strength and --protect apply to references. Give some.")
        if self.protect_invert and not self.protect:
            raise InputError("--protect-invert needs --protect: the places where references are used.")

    @property
    def masks(self) -> tuple[Path, ...]:
        """Return the masks."""
        return tuple(Path(text) for text in self.protect if not _BOX.fullmatch(text))

    @property
    def boxes(self) -> "tuple[srntt.upscale.Box, ...]":
        """Return the boxes."""
        found = (_BOX.fullmatch(text) for text in self.protect)
        return tuple((int(box[1]), int(box[2]), int(box[3]), int(box[4])) for box in found if box)

    def as_arguments(self) -> dict[str, Any]:
        """Return the options as arguments of ``Upscaler.upscale``."""
        protect = [*self.boxes, *self.masks]
        return {"strength": self.strength, "protect": protect, "protect_invert": self.protect_invert}
