"""What a visitor may ask for: ceilings on what is uploaded and on the work that follows from it."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from srntt.errors import InputError, PictureError, SrnttError
from srntt.image import Limits, Picture, load

_CELL = 4  #: reference pixels along a side that count as one position, whatever the scale of the model

_MOST_REFERENCES = 255  # the page is told which one a place came from in a byte


@dataclass(frozen=True)
class Ceilings:
    """Most that one order may hold.

    Attributes:
        max_bytes: of one uploaded file.
        max_pixels: of the small picture.
        max_reference_pixels: of one reference.
        max_references: how many references.
        max_work: positions of the small picture times positions of all references (4 x 4 pixels each), which is what
            exact matching compares; fast matching, which large orders get where it can be had, takes far less.
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
        """Raises InputError for more references than there may be."""
        if references > self.max_references:
            raise InputError(
                f"{references} references; at most {self.max_references} are taken here. Give the most similar ones."
            )

    def check_work(self, picture: Picture, references: Sequence[Picture]) -> None:
        """Raises InputError where matching would compare more than it may."""
        work = matching_work(picture, references)
        if work > self.max_work:
            raise InputError(
                f"Too much to compare: {picture.width} x {picture.height} pixels with "
                f"{len(references)} reference{'s' if len(references) > 1 else ''} come to {work / 1e9:.1f} billion "
                f"pairs of places, and {self.max_work / 1e9:.1f} are allowed here. "
                "Give fewer or smaller references, or a smaller picture."
            )

    def read_small(self, path: str, name: str) -> Picture:
        """The small picture, under its own name.

        Raises:
            PictureError: no whole picture, or beyond the ceilings.
        """
        return _read(path, name, Limits(self.max_bytes, self.max_pixels))

    def read_reference(self, path: str, name: str) -> Picture:
        """A reference, likewise."""
        return _read(path, name, Limits(self.max_bytes, self.max_reference_pixels))


def matching_work(picture: Picture, references: Sequence[Picture]) -> int:
    """Pairs of positions that exact matching compares."""
    positions = sum((each.height // _CELL) * (each.width // _CELL) for each in references)
    return picture.height * picture.width * positions


def _read(path: str, name: str, limits: Limits) -> Picture:
    """The server's paths are no visitor's business, nor is what to say on a command line."""
    try:
        return replace(load(path, limits=limits), source=name)
    except SrnttError as error:
        reason = str(error).replace(path, name).split(" If you trust the file")[0]
        raise PictureError(reason) from error
