"""How the small picture's file is read."""

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
    """What a file does not say of itself.

    Attributes:
        page: Of a TIFF of several pages, the one to upscale, from 1. Default: all, into a TIFF.
        range: The values that are black and white, LOW,HIGH, or auto for the least and the greatest: for floats
            outside 0..1 and for signed or 32-bit integers. The output has the same type and range.
        alpha: What the colour of transparent pixels is worth: straight, it is upscaled as it is; bleed, nothing, so
            that the nearest visible colour takes its place. Default: auto, straight unless all of them have one colour.
    """

    page: Annotated[int | None, Parameter(validator=Number(gte=1))] = None
    range: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None
    alpha: Literal["auto", "straight", "bleed"] = "auto"

    def load(self, file: Path, limits: "srntt.image.Limits", page: int | None = None) -> "srntt.image.Picture":
        """Read the picture.

        Args:
            file: where.
            limits: on it.
            page: in place of the one that was asked for.

        Raises:
            PictureError: it is no whole picture.
            InputError: there is no such page.
        """
        from srntt.image import load

        return load(file, limits=limits, page=page or self.page, value_range=self.value_range(), alpha=self.alpha)

    def value_range(self) -> "srntt.image.ValueRange":
        """As ``srntt.image.load`` takes it. Raises InputError for a range that is none."""
        if self.range is None or self.range == "auto":
            return self.range
        try:
            low, high = (float(part) for part in self.range.split(","))
        except ValueError as error:
            raise InputError(f"--range {self.range}: give LOW,HIGH such as 0,4095, or auto.") from error
        if not low < high:
            raise InputError(f"--range {self.range}: the first must be less than the second.")
        return low, high
