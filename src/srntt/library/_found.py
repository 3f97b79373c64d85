"""Result of a search in a library."""

from dataclasses import dataclass
from pathlib import Path

from srntt.views.aligned import Placement


@dataclass(frozen=True)
class Choice:
    """A photograph chosen as a reference.

    Attributes:
        path: File.
        sha256: Hash of its content, in hexadecimal.
        share: Fraction of the picture to which it adds detail, 0..1.
        placement: Alignment with the picture.
        similarity: Cosine of the global descriptors, -1..1.
    """

    path: Path
    sha256: str
    share: float
    placement: Placement
    similarity: float

    @property
    def reason(self) -> str:
        """State why it was chosen: ``same scene, 2.9x larger, 3 planes; covers 61% of the picture; sharper at 48%``."""
        return f"{self.placement.describe()}; sharper at {self.share:.0%} of it"


@dataclass(frozen=True)
class Found:
    """Result of a search.

    Attributes:
        choices: References, the best first.
        copies: Files that show the picture itself, which are not used as references. One may be the original.
        compared: Number of photographs in the library.
        notes: Files that could not be used, and why.
    """

    choices: tuple[Choice, ...]
    copies: tuple[Path, ...]
    compared: int
    notes: tuple[str, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        """Each reference with the reason why it was chosen."""
        return tuple(f"{choice.path}: {choice.reason}" for choice in self.choices)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What was not found, and what was not used, for the user."""
        nothing = f"nothing sharper of the same scene among {self.compared:,} photographs"
        copies = (f"{path} shows the picture itself; not used as a reference" for path in self.copies)
        return (*(() if self.choices else (nothing,)), *copies, *self.notes)

    @property
    def paths(self) -> tuple[Path, ...]:
        """Files of the references."""
        return tuple(choice.path for choice in self.choices)
