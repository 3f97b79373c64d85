"""MANIFEST.tsv: a line for each picture of a corpus, with where it came from and under which licence."""

import os
from dataclasses import dataclass, fields
from pathlib import Path

from srntt._files import write_bytes
from srntt.errors import InputError
from srntt.train.corpus._alike import Fingerprint

MANIFEST = "MANIFEST.tsv"


@dataclass(frozen=True)
class Entry:
    """A picture of a corpus.

    Attributes:
        file: its name.
        licence: as text; "unknown" if none was given and nothing is written next to it.
        licence_file: copy of the text that says so, in the corpus; empty if there is none.
        source: the file that it was made from, as it was given.
        halved: how often.
        textured: share of tiles with detail.
        sha256: of the file.
        source_sha256: of the file that it was made from.
        fingerprint: by which others like it are known.
    """

    file: str
    width: int
    height: int
    licence: str
    licence_file: str
    source: str
    source_width: int
    source_height: int
    halved: int
    textured: float
    sha256: str
    source_sha256: str
    fingerprint: Fingerprint


_COLUMNS = tuple(field.name for field in fields(Entry))


class Manifest:
    """The entries of the corpus in a folder; every one that is added is on disk at once.

    A last line that is not whole, of a run that was killed, is forgotten: the picture is then made again.

    Raises:
        InputError: a file of that name that is no manifest of a corpus.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / MANIFEST
        self.entries: list[Entry] = []
        text = self._file.read_text(encoding="utf-8") if self._file.exists() else ""
        whole = text[: text.rfind("\n") + 1]
        header, *lines = whole.splitlines() or [""]
        if text and header != "\t".join(_COLUMNS):
            raise InputError(f"{self._file} is no manifest of srntt corpus build. Give another folder with -o.")
        self.entries += [_entry(line, self._file) for line in lines]
        if whole != text or not text:
            write_bytes(self._file, (whole or "\t".join(_COLUMNS) + "\n").encode())

    def add(self, entry: Entry) -> None:
        """Remember an entry, and write it down."""
        self.entries.append(entry)
        with self._file.open("a", encoding="utf-8", newline="\n") as file:
            file.write("\t".join(_cell(getattr(entry, name)) for name in _COLUMNS) + "\n")
            file.flush()
            os.fsync(file.fileno())


def _entry(line: str, file: Path) -> Entry:
    cells = dict(zip(_COLUMNS, line.split("\t"), strict=False))
    try:
        numbers = {name: int(cells[name]) for name in ("width", "height", "source_width", "source_height", "halved")}
        squares = tuple(int(part, 16) for part in cells["fingerprint"].split(" "))
        values = {**cells, **numbers, "textured": float(cells["textured"]), "fingerprint": squares}
        return Entry(**values)  # pyright: ignore[reportArgumentType]
    except (KeyError, ValueError, TypeError) as error:
        raise InputError(
            f"{file} has a line that is no entry of a corpus: {line[:80]!r}. Correct or remove it."
        ) from error


def _cell(value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(f"{number:016x}" for number in value)
    if isinstance(value, float):
        return f"{value:.3f}"
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in str(value))
