"""What a search reads of a library."""

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np

from srntt._shapes import Float
from srntt.library._database import reading
from srntt.library._search import read_descriptors

COMPARED = 50  #: photographs whose keypoints are compared, the most alike ones


class Entry(NamedTuple):
    """Photograph in a library.

    Attributes:
        paths: Its files.
        sha256: Hash of their content.
        size: Height and width.
        keypoints: Keypoints as they are stored.
        similarity: Cosine of the global descriptors.
    """

    paths: tuple[Path, ...]
    sha256: bytes
    size: tuple[int, int]
    keypoints: bytes
    similarity: float


class Nearest(NamedTuple):
    """Photographs most similar to a picture.

    Attributes:
        entries: The photographs, the most similar first.
        compared: Number of photographs in the library.
    """

    entries: tuple[Entry, ...]
    compared: int


@runtime_checkable
class Index(Protocol):
    """Access to a library, from this machine or another."""

    def nearest(self, descriptor: Float[np.ndarray, " d"]) -> Nearest:
        """Return the photographs most similar by global descriptor.

        Raises:
            InputError: There is no library, or it is damaged.
        """
        ...


@dataclass(frozen=True)
class FileIndex:
    """Access to the file of a library.

    Attributes:
        path: The file.
    """

    path: Path

    def nearest(self, descriptor: Float[np.ndarray, " d"]) -> Nearest:
        """Return the photographs most similar by global descriptor.

        Raises:
            InputError: There is no library, or it is damaged.
        """
        with reading(self.path) as connection:
            stored = read_descriptors(connection, len(descriptor))
            found = (_entry(connection, *near) for near in stored.nearest(descriptor, COMPARED))
            (compared,) = connection.execute("SELECT count(*) FROM photograph").fetchone()
            return Nearest(tuple(entry for entry in found if entry and entry.paths), compared)


def _entry(connection: sqlite3.Connection, number: int, similarity: float) -> Entry | None:
    find = "SELECT sha256, height, width, packed FROM photograph JOIN keypoints ON photograph = id WHERE id = ?"
    row = connection.execute(find, (number,)).fetchone()
    if row is None:
        return None
    sha256, height, width, packed = row
    rows = connection.execute("SELECT path FROM file WHERE photograph = ? ORDER BY path", (number,))
    paths = tuple(Path(os.fsdecode(path)) for (path,) in rows)
    return Entry(paths, bytes(sha256), (height, width), bytes(packed), similarity)
