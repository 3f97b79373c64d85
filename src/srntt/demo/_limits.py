"""Limits on the uploads of a visitor and on the resulting work."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from srntt.errors import InputError, PictureError, SrnttError
from srntt.image import Limits, Picture, load

_CELL = 4  #: side of the reference cells that are counted as one position, for any scale of the model

_MOST_REFERENCES = 255  # the index of a reference is sent to the page in a byte


@dataclass(frozen=True)
class OrderLimits:
    """Limits on an order.

    Attributes:
        max_bytes: Maximum size of an uploaded file.
        max_pixels: Maximum pixels of the low-res picture.
        max_reference_pixels: Maximum pixels of a reference.
        max_references: Maximum number of references.
        max_work: Maximum number of pairs of a low-res pixel and a reference position (4 x 4 pixels), which exact
            matching compares. Fast matching, used for large orders if available, takes far less.
    """

    max_bytes: int = 20 * 2**20
    max_pixels: int = 512 * 512
    max_reference_pixels: int = 16_000_000
    max_references: int = 6
    max_work: int = 100_000_000_000

    def __post_init__(self) -> None:
        for field in fields(self):
            if getattr(self, field.name) < 1:
                raise InputError(f"--{field.name.replace('_', '-')} {getattr(self, field.name)}: must be at least 1.")

        if self.max_references > _MOST_REFERENCES:
            raise InputError(f"--max-references {self.max_references}: must be at most {_MOST_REFERENCES}.")

    def check_count(self, references: int) -> None:
        """Raise InputError if there are too many references."""
        if references > self.max_references:
            raise InputError(
                f"{references} references; the limit here is {self.max_references}. Give the most similar ones."
            )

    def check_work(self, picture: Picture, references: Sequence[Picture]) -> None:
        """Raise InputError if matching would compare too many pairs."""
        work = matching_work(picture, references)
        if work > self.max_work:
            raise InputError(
                f"Too much to compare: {picture.width} x {picture.height} pixels with "
                f"{len(references)} reference{'s' if len(references) > 1 else ''} give {work / 1e9:.1f} billion pairs "
                f"of positions; the limit here is {self.max_work / 1e9:.1f} billion. "
                "Give fewer or smaller references, or a smaller picture."
            )

    def read_small(self, path: str, name: str) -> Picture:
        """Read the low-res picture, with the name of the upload as its source.

        Raises:
            PictureError: The file is not a complete picture, or exceeds the limits.
        """
        return _read(path, name, Limits(self.max_bytes, self.max_pixels))

    def read_reference(self, path: str, name: str) -> Picture:
        """Read a reference, likewise."""
        return _read(path, name, Limits(self.max_bytes, self.max_reference_pixels))


def matching_work(picture: Picture, references: Sequence[Picture]) -> int:
    """Return the number of pairs of positions that exact matching compares."""
    positions = sum((each.height // _CELL) * (each.width // _CELL) for each in references)
    return picture.height * picture.width * positions


def _read(path: str, name: str, limits: Limits) -> Picture:
    """Read a picture; error messages do not contain paths of the server or advice on the command line."""
    try:
        return replace(load(path, limits=limits), source=name)
    except SrnttError as error:
        reason = str(error).replace(path, name).split(" If you trust the file")[0]
        raise PictureError(reason) from error
