"""Shared references, and the best of them for a picture."""

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from srntt._shapes import Float
from srntt.batch._descriptor import LENGTH, PARTS, describe
from srntt.batch._lines import Lines
from srntt.batch._listing import Problem
from srntt.batch._place import Place, join
from srntt.batch._read import decode, read
from srntt.batch._remote_lines import RemoteLines
from srntt.errors import OutputError, SrnttError
from srntt.image import Limits
from srntt.models import Progress


class ReferenceFile(NamedTuple):
    """A reference as a file.

    Attributes:
        name: relative to the references' folder.
        path: where it is, or its URL.
        sha256: of its bytes.
    """

    name: str
    path: str
    sha256: str


class KnownDescriptors:
    """Descriptors by the hash of the file they were made of, kept in a file between runs if there is one."""

    def __init__(self, lines: Lines | RemoteLines | None = None) -> None:
        self._lines = lines
        self._known = {str(item.get("sha256")): item.get("descriptor") for item in (lines.items if lines else ())}

    def get(self, sha256: str, make: Callable[[], Float[np.ndarray, "896"]]) -> Float[np.ndarray, "896"]:
        """The descriptor, made if it is not known. In half precision: known or made, it is the same."""
        text = self._known.get(sha256)
        if isinstance(text, str) and (kept := _unpacked(text)) is not None:
            return kept
        text = base64.b64encode(make().astype("<f2").tobytes()).decode()
        self._known[sha256] = text
        if self._lines:
            self._lines.append({"sha256": sha256, "descriptor": text})
        kept = _unpacked(text)
        assert kept is not None
        return kept


@dataclass(frozen=True, eq=False)
class Pool:
    """Shared references with their descriptors.

    Attributes:
        files: no two of the same content.
        descriptors: of each.
        problems: files that are no whole pictures, and are left out.
    """

    files: tuple[ReferenceFile, ...]
    descriptors: Float[np.ndarray, "n 896"]
    problems: tuple[Problem, ...] = ()

    def best(self, descriptor: Float[np.ndarray, "896"], count: int, *, but: str = "") -> tuple[ReferenceFile, ...]:
        """The most similar ones, the most similar first.

        Similarity is the cosine after the mean of all shared references has been taken away: what all have in common,
        such as a sky above and a ground below, says nothing. Ties go to the lower name.

        Args:
            descriptor: of the picture.
            count: at most so many.
            but: a hash that is passed over: that of the picture itself.
        """
        similarity = np.zeros(len(self.files))
        for part, weight in PARTS:
            center = self.descriptors[:, part].mean(axis=0) if self.files else 0.0
            similarity += weight * (_unit(self.descriptors[:, part] - center) @ _unit(descriptor[part] - center))
        order = np.argsort(-np.round(similarity, 6), kind="stable")
        return tuple(self.files[index] for index in order if self.files[index].sha256 != but)[:count]


def describe_pool(
    root: Place, names: Sequence[str], known: KnownDescriptors, limits: Limits, progress: Progress | None = None
) -> Pool:
    """Read and describe shared references. One that is no whole picture is a problem, not an end.

    Args:
        root: their folder.
        names: relative to it.
        known: descriptors of earlier runs.
        limits: on what is read.
        progress: told ("describe", done, total).

    Raises:
        OutputError: what is known cannot be kept.
    """
    files: dict[str, ReferenceFile] = {}
    descriptors: list[np.ndarray] = []
    problems = []
    for number, name in enumerate(names):
        path = join(root, name)
        try:
            content = read(path, limits)
            sha256 = hashlib.sha256(content).hexdigest()
            if sha256 not in files:
                make = partial(_described, content, path, limits)
                descriptors.append(known.get(sha256, make))
                files[sha256] = ReferenceFile(name, path, sha256)
        except OutputError:  # its descriptor could not be kept: with fewer references, other pictures would come of it
            raise
        except (SrnttError, MemoryError) as error:
            problems.append(Problem(name, f"reference left out: {error}"))
        if progress:
            progress("describe", number + 1, len(names))
    table = np.array(descriptors, np.float32).reshape(-1, LENGTH)
    return Pool(tuple(files.values()), table, tuple(problems))


def _described(content: bytes, path: str, limits: Limits) -> Float[np.ndarray, "896"]:
    return describe(decode(content, path, limits))


def _unit(vectors: Float[np.ndarray, "... n"]) -> Float[np.ndarray, "... n"]:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def _unpacked(text: str) -> Float[np.ndarray, "896"] | None:
    try:
        vector = np.frombuffer(base64.b64decode(text, validate=True), "<f2").astype(np.float32)
    except ValueError:
        return None
    return vector if vector.shape == (LENGTH,) and bool(np.isfinite(vector).all()) else None
