"""What is asked of a corpus, and what building one came to."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from srntt.errors import InputError
from srntt.train.corpus._manifest import Entry
from srntt.train.corpus._reduce import TILE


@dataclass(frozen=True)
class CorpusLimits:
    """Outcome for a photograph, and which are left out.

    Attributes:
        megapixels: pictures of more are halved until they have no more, which takes the traces of the camera's
            demosaicing, sharpening and JPEG with it.
        smallest: least height and width in pixels of what is left of a picture.
        textured: least share of tiles of 64 pixels with detail, once flat parts at the frame are cut off.
        alike: pictures whose fingerprints differ in as many of 64 bits or fewer count as one. Copies in other sizes,
            qualities and shapes differ in up to 8, photographs of different things in 16 or more.
        lossless: save PNG, twice as large, in place of JPEG of quality 98.
    """

    megapixels: float = 6.0
    smallest: int = 256
    textured: float = 0.25
    alike: int = 10
    lossless: bool = False

    def __post_init__(self) -> None:
        allowed = {
            "megapixels": (self.megapixels > 0, "more than 0"),
            "smallest": (self.smallest >= TILE, f"{TILE} or more"),
            "textured": (0 <= self.textured <= 1, "0 to 1"),
            "alike": (0 <= self.alike <= 64, "0 to 64"),
        }
        for name, (fits, allowed_values) in allowed.items():
            if not fits:
                raise InputError(f"{name} is {getattr(self, name)}; it takes {allowed_values}.")


class LeftOut(NamedTuple):
    """A picture that is none for this corpus; ``reason`` is ``small``, ``flat``, ``transparent`` or ``alike``."""

    path: Path
    reason: str
    detail: str


@dataclass
class CorpusReport:
    """What a build came to.

    Attributes:
        folder: of the corpus.
        taken: pictures that were added.
        known: how many were there already.
        left_out: those that do not suit.
        failed: files that cannot be read, and why.
        ignored: how many files have no suffix of a picture.
        pictures: that the corpus holds now.
    """

    folder: Path
    taken: list[Entry] = field(default_factory=list)
    known: int = 0
    left_out: list[LeftOut] = field(default_factory=list)
    failed: list[tuple[Path, str]] = field(default_factory=list)
    ignored: int = 0
    pictures: int = 0
