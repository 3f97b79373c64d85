"""Limits on the uploads of a visitor and on the resulting work."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from srntt.errors import InputError, MemoryBudgetError, PictureError, SrnttError
from srntt.image import Limits, Picture, load
from srntt.memory import budget_bytes, limits_within

_LOCAL_PICTURES = 100
_CELL = 4  #: side of the reference cells that are counted as one position, for any scale of the model
_LOCAL_SECONDS = 900
_MOST_REFERENCES = 255  # the index of a reference is sent to the page in a byte
_RAISED = re.compile(r" If you trust the file, raise it with --max-(?P<what>\w+) (?P<least>\d+)")


@dataclass(frozen=True)
class OrderLimits:
    """Limits on an order, by default those of a page for the public.

    Attributes:
        max_bytes: Maximum size of an uploaded file.
        max_pixels: Maximum pixels of the low-res picture.
        max_reference_pixels: Maximum pixels of a reference.
        max_references: Maximum number of references.
        max_pictures: Maximum number of low-res pictures, which are upscaled one after another.
        max_work: Maximum number of pairs of a low-res pixel and a reference position (4 x 4 pixels), which exact
            matching compares; None for no limit. Fast matching, used for large orders if available, takes far less.
        max_seconds: Maximum predicted time of a picture; None for no limit.
        local: Whether the visitor runs the server: references that exceed a limit are reduced instead of refused, and
            messages name the option that raises a limit.
        memory: Memory budget of the process in bytes; None for most of the available memory.
    """

    max_bytes: int = 20 * 2**20
    max_pixels: int = 512 * 512
    max_reference_pixels: int = 16_000_000
    max_references: int = 6
    max_pictures: int = 1
    max_work: int | None = 100_000_000_000
    max_seconds: int | None = None
    local: bool = False
    memory: int | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name.startswith("max_") and value is not None and value < 1:
                raise InputError(f"--{field.name.replace('_', '-')} {value}: must be at least 1.")
        if self.max_references > _MOST_REFERENCES:
            raise InputError(f"--max-references {self.max_references}: must be at most {_MOST_REFERENCES}.")

    @classmethod
    def of_machine(cls, **given: Any) -> "OrderLimits":
        """Create the limits for the user of this machine: those of reading a file, and predicted time and memory.

        Args:
            **given: Fields with other values.
        """
        most = Limits()
        widest = {"max_bytes": most.max_bytes, "max_pixels": most.max_pixels, "max_reference_pixels": most.max_pixels}
        counts = {"max_references": _MOST_REFERENCES, "max_pictures": _LOCAL_PICTURES}
        counts |= {"max_work": None, "max_seconds": _LOCAL_SECONDS}
        return cls(**{**widest, **counts, "local": True, **given})

    def check_count(self, references: int) -> None:
        """Raise InputError if there are too many references."""
        if references > self.max_references:
            raise InputError(
                f"{references} references; the limit here is {self.max_references}. Give the most similar ones"
                + self._or_option("max-references", min(references, _MOST_REFERENCES))
            )

    def check_pictures(self, pictures: int) -> None:
        """Raise InputError if there are too many low-res pictures."""
        if pictures > self.max_pictures:
            raise InputError(
                f"{pictures} small pictures; the limit here is {self.max_pictures}. Give fewer"
                + self._or_option("max-pictures", pictures)
            )

    def check_work(self, picture: Picture, references: Sequence[Picture]) -> None:
        """Raise InputError if matching would compare too many pairs."""
        work = matching_work(picture, references)
        if self.max_work is not None and work > self.max_work:
            raise InputError(
                f"Too much to compare: {picture.width} x {picture.height} pixels with "
                f"{len(references)} reference{'s' if len(references) > 1 else ''} give {work / 1e9:.1f} billion pairs "
                f"of positions; the limit here is {self.max_work / 1e9:.1f} billion. "
                f"Give fewer or smaller references, or a smaller picture{self._or_option('max-work', work)}"
            )

    def check_time(self, seconds: float) -> None:
        """Raise InputError if the predicted time is too long."""
        if self.max_seconds is not None and seconds > self.max_seconds:
            raise InputError(
                f"The predicted time is {seconds:,.0f} seconds; the limit here is {self.max_seconds:,.0f}. Give a "
                f"smaller picture, or fewer references{self._or_option('max-seconds', int(seconds) + 1)}"
            )

    def refused_memory(self, error: MemoryBudgetError) -> MemoryBudgetError:
        """Return the error of an order that exceeds the memory, with the option that raises the budget."""
        return MemoryBudgetError(f"{error} The option of srntt serve is --memory.") if self.local else error

    def read_small(self, path: str, name: str) -> Picture:
        """Read the low-res picture, with the name of the upload as its source.

        Raises:
            PictureError: The file is not a complete picture, or exceeds the limits.
            MemoryBudgetError: It does not fit in memory.
        """
        return self._read(path, name, self.max_pixels, "max-pixels")

    def read_reference(self, path: str, name: str) -> Picture:
        """Read a reference, likewise; for a local visitor, it may be larger than its limit, since it can be reduced."""
        most = max(self.max_reference_pixels, Limits().max_pixels) if self.local else self.max_reference_pixels
        return self._read(path, name, most, "max-reference-pixels")

    def _read(self, path: str, name: str, pixels: int, option: str) -> Picture:
        """Read a picture; error messages do not contain paths of the server."""
        try:
            limits = limits_within(Limits(self.max_bytes, pixels), budget_bytes(self.memory))
            return replace(load(path, limits=limits), source=name)
        except SrnttError as error:
            reason = str(error).replace(path, name)
            if isinstance(error, MemoryBudgetError):
                raise self.refused_memory(MemoryBudgetError(reason)) from error
            if raised := _RAISED.search(reason):
                option = "max-bytes" if raised["what"] == "bytes" else option
                reason = reason[: raised.start()]
                if self.local:
                    reason += f" Start srntt serve with --{option} {raised['least']}."
            raise PictureError(reason) from error

    def _or_option(self, name: str, least: int) -> str:
        """Return the end of a sentence about what to do, with the option for the one who can set it."""
        return f", or start srntt serve with --{name} {least}." if self.local else "."


def matching_work(picture: Picture, references: Sequence[Picture]) -> int:
    """Return the number of pairs of positions that exact matching compares."""
    positions = sum((each.height // _CELL) * (each.width // _CELL) for each in references)
    return picture.height * picture.width * positions
