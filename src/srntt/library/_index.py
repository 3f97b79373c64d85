"""What a search reads of a library."""

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np

from srntt._shapes import Float, Int, Int64
from srntt.library._database import reading

_COMPARED = 50  # photographs whose keypoints are compared, the most alike ones
_AT_ONCE = 8192  # descriptors


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
    """Access to the file of a library, which is read at each search."""

    path: Path

    def nearest(self, descriptor: Float[np.ndarray, " d"]) -> Nearest:
        with reading(self.path) as connection:
            stored = _read_descriptors(connection, len(descriptor))
            found = (_entry(connection, *near) for near in stored.nearest(descriptor, _COMPARED))
            (compared,) = connection.execute("SELECT count(*) FROM photograph").fetchone()
            return Nearest(tuple(entry for entry in found if entry and entry.paths), compared)


class Descriptors(NamedTuple):
    """Descriptors of a library.

    Attributes:
        numbers: Number of each photograph.
        vectors: Descriptor of each, rounded to bytes.
    """

    numbers: Int64[np.ndarray, " n"]
    vectors: Int[np.ndarray, "n d"]

    def nearest(self, query: Float[np.ndarray, " d"], count: int) -> list[tuple[int, float]]:
        """Return the photographs of the highest cosine similarity with it, the highest first; ties by number."""
        cosines = np.empty(len(self.numbers), np.float32)
        for first in range(0, len(cosines), _AT_ONCE):
            part = self.vectors[first : first + _AT_ONCE].astype(np.float32)
            lengths = np.maximum(np.sqrt(np.einsum("nd,nd->n", part, part)), 1e-6)
            cosines[first : first + _AT_ONCE] = (part @ query) / lengths
        rounded = np.round(cosines, 5)
        if count < len(rounded):
            least = np.partition(rounded, -count)[-count]
            among = np.flatnonzero(rounded >= least)
        else:
            among = np.arange(len(rounded))
        order = among[np.lexsort((self.numbers[among], -rounded[among]))][:count]
        return [(int(self.numbers[index]), float(rounded[index])) for index in order]


def _read_descriptors(connection: sqlite3.Connection, length: int) -> Descriptors:
    """Read the descriptors of all photographs.

    Args:
        connection: Open library.
        length: Number of values; rows of another length, which srntt does not write, are left out.
    """
    rows = connection.execute(
        "SELECT id, descriptor FROM photograph WHERE length(descriptor) = ?", (length,)
    ).fetchall()
    numbers = np.fromiter((row[0] for row in rows), np.int64, len(rows))
    vectors = np.frombuffer(b"".join(row[1] for row in rows), np.int8).reshape(-1, length)
    return Descriptors(numbers, vectors)


def _entry(connection: sqlite3.Connection, number: int, similarity: float) -> Entry | None:
    find = "SELECT sha256, height, width, packed FROM photograph JOIN keypoints ON photograph = id WHERE id = ?"
    row = connection.execute(find, (number,)).fetchone()
    if row is None:
        return None
    sha256, height, width, packed = row
    rows = connection.execute("SELECT path FROM file WHERE photograph = ? ORDER BY path", (number,))
    paths = tuple(Path(os.fsdecode(path)) for (path,) in rows)
    return Entry(paths, bytes(sha256), (height, width), bytes(packed), similarity)
