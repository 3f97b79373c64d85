"""Options that ``srntt upscale`` and ``srntt batch`` share."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from srntt.errors import InputError

if TYPE_CHECKING:
    import srntt.image
    import srntt.upscale

_FIT = re.compile(r"(\d+)[xX](\d+)")
_BOX = re.compile(r"(-?\d+),(-?\d+),(-?\d+),(-?\d+)")


@Parameter(name="*")
@dataclass(frozen=True)
class ReadOptions:
    """Interpretation of the input.

    Attributes:
        page: Page of a multi-page TIFF to upscale, from 1. Default: all pages, to a TIFF.
        range: Values of black and white, LOW,HIGH, or auto for the minimum and maximum: for floats outside 0..1, and
            for signed or 32-bit integers. The output has the same type and range.
        alpha: Colour of transparent pixels: straight keeps it, bleed replaces it by the nearest visible colour.
            Default: auto, straight unless all transparent pixels have the same colour.
    """

    page: Annotated[int | None, Parameter(validator=Number(gte=1))] = None
    range: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None
    alpha: Literal["auto", "straight", "bleed"] = "auto"

    def load(self, file: Path, limits: "srntt.image.Limits", page: int | None = None) -> "srntt.image.Picture":
        """Read the picture, at ``page`` instead of that of the option, if given.

        Raises:
            PictureError: The file is not a complete picture.
            InputError: The page does not exist.
        """
        from srntt.image import load

        return load(file, limits=limits, page=page or self.page, value_range=self.value_range(), alpha=self.alpha)

    def value_range(self) -> "srntt.image.ValueRange":
        """Return the range as for ``srntt.image.load``; raise InputError if it is invalid."""
        if self.range is None or self.range == "auto":
            return self.range
        try:
            low, high = (float(part) for part in self.range.split(","))
        except ValueError as error:
            raise InputError(f"--range {self.range}: give LOW,HIGH such as 0,4095, or auto.") from error
        if not low < high:
            raise InputError(f"--range {self.range}: the first must be less than the second.")
        return low, high


@Parameter(name="*")
@dataclass(frozen=True)
class MethodOptions:
    """Method.

    Attributes:
        augment_refs: Also search scaled and rotated copies of each reference: slower, better if scenes differ.
        tile: Side of a tile in pixels of the low-res picture, at least 32. Default: auto, the largest that fits in
            memory.
        consistent: Change the output minimally such that it downsamples (bicubic) to the input, to 1 of 255.
        self_ensemble: Average over the eight flips and rotations of picture and references: slightly better, and eight
            times slower.
    """

    augment_refs: bool = False
    tile: Literal["auto"] | int = "auto"
    consistent: bool = False
    self_ensemble: bool = False

    @property
    def views(self) -> tuple[str, ...]:
        """Kinds of views of each reference to search."""
        return ("plain", "turned") if self.augment_refs else ("plain",)


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
        """Raise InputError for an option that is invalid or has no effect."""
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


def check_quality_option(quality: int | Literal["lossless"] | None) -> None:
    """Raise InputError for an invalid quality."""
    from srntt.image import check_quality

    try:
        check_quality(quality)
    except InputError as error:
        raise InputError(f"--{error}") from error
