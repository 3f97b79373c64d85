"""Options for reading the low-res picture."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from srntt.errors import InputError

if TYPE_CHECKING:
    import srntt.image


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
        """Read the picture.

        Args:
            file: Path of the picture.
            limits: Limits on reading.
            page: Page to read instead of the option.

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
