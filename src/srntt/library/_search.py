"""The photographs most alike by descriptor: all of them are compared."""

import sqlite3
from typing import NamedTuple

import numpy as np

from srntt._shapes import Float, Int, Int64

_AT_ONCE = 8192  # descriptors


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


def read_descriptors(connection: sqlite3.Connection, length: int) -> Descriptors:
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
