"""A folder of frames, read and written as pictures."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

from srntt._files import make_folder
from srntt.data import pictures_in
from srntt.errors import InputError, OutputError, PictureError
from srntt.image import Limits, Picture, load, save
from srntt.video._clip import Clip, Facts, Frame

_ADVICE = "Give a folder of frames, in the order of their names."


class FolderClip:
    """A folder of frames, in the order of their names; numbers in names count as numbers.

    Args:
        path: The folder.
        limits: On reading.
        rate: Frames per second.

    Raises:
        InputError: It contains no pictures.
        PictureError: The first one is not a complete picture.
    """

    def __init__(self, path: Path, limits: Limits, rate: Fraction) -> None:
        self.path, self._limits = path, limits
        self.files = sorted(pictures_in(path, _ADVICE).values(), key=lambda file: _in_order(file.name))
        if not self.files:
            raise InputError(f"{path}: contains no pictures. {_ADVICE}")
        first = self._load(0)
        self.facts = Facts(first.width, first.height, first.bits, 1 / rate, rate, len(self.files))  # time in frames

    def frames(self, first: int = 0, times: Sequence[int] | None = None) -> Iterator[Frame]:
        """Read the frames, from number ``first`` on."""
        for number in range(first, len(self.files)):
            yield Frame(number, self._load(number), number)

    def _load(self, number: int) -> Picture:
        picture = load(self.files[number], limits=self._limits)
        if number and (picture.width, picture.height) != (self.facts.width, self.facts.height):
            raise PictureError(
                f"{self.files[number]} has {picture.width} x {picture.height} pixels, the first frame "
                f"{self.facts.width} x {self.facts.height}. Remove it, or use srntt batch for pictures of any size."
            )
        return picture


class FolderOutput:
    """A folder of frames, each written when it is finished.

    Args:
        clip: The film.
        path: The folder, which is created.

    Raises:
        OutputError: The folder cannot be written to.
    """

    def __init__(self, clip: Clip, path: Path) -> None:
        self._clip, self._path = clip, path
        make_folder(path)

    @contextmanager
    def segment(self, number: int) -> Iterator["FolderOutput"]:
        """Write some frames; those of an interrupted run are replaced."""
        yield self

    def add(self, frame: Frame) -> None:
        """Write a frame under the name of its input, or its number."""
        named = isinstance(self._clip, FolderClip)
        stem = Path(frame.picture.source).stem if named else f"{frame.number:08d}"
        save(frame.picture, self._path / f"{stem}.png", overwrite=True)

    def join(self, times: list[int], *, overwrite: bool) -> tuple[str, ...]:
        """Nothing is left to do."""
        return ()


def refuse_used(path: Path) -> None:
    """Refuse an output folder that contains pictures.

    Raises:
        OutputError: It does.
    """
    if path.is_dir() and any(pictures_in(path, _ADVICE)):
        raise OutputError(f"{path}: contains pictures already. Give another folder, or replace them with --overwrite.")


def _in_order(name: str) -> list[tuple[int, str]]:
    """Sort key: ``frame2.png`` comes before ``frame10.png``."""
    parts = re.split(r"(\d{1,18})", name)
    return [(int(part), "") if part.isdecimal() and part.isascii() else (0, part) for part in parts]
