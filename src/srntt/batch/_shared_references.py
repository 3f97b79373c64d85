"""References shared by all pictures, and retrieval of the most similar ones for a picture."""

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

import numpy as np

from srntt._shapes import Float
from srntt.batch._descriptor import LENGTH, PARTS, describe
from srntt.batch._lines import Lines
from srntt.batch._remote_folder import Place
from srntt.data import Failure
from srntt.errors import OutputError, SrnttError
from srntt.image import Limits, Picture, load_content
from srntt.models import Progress


class ReferenceFile(NamedTuple):
    """Reference file.

    Attributes:
        name: Name relative to the reference folder.
        sha256: SHA-256 of the content.
    """

    name: str
    sha256: str


class DescriptorCache:
    """Cache of descriptors by the hash of their file; persistent if `lines` are given."""

    def __init__(self, lines: Lines | None = None) -> None:
        self._lines = lines
        self._known = {str(item.get("sha256")): item.get("descriptor") for item in (lines.items if lines else ())}

    def get(self, sha256: str, make: Callable[[], Float[np.ndarray, "896"]]) -> Float[np.ndarray, "896"]:
        """Return the descriptor, computing it if necessary; in half precision, so that both cases agree."""
        text = self._known.get(sha256)
        if isinstance(text, str) and (kept := _unpacked(text)) is not None:
            return kept
        packed = make().astype("<f2")
        text = base64.b64encode(packed.tobytes()).decode()
        self._known[sha256] = text
        if self._lines:
            self._lines.append({"sha256": sha256, "descriptor": text})
        return packed.astype(np.float32)


@dataclass(frozen=True, eq=False)
class SharedReferences:
    """Shared references with their descriptors. It can be pickled.

    Attributes:
        files: Files without duplicate content.
        descriptors: Descriptor of each file.
        failures: Files that are not complete pictures, which are skipped.
    """

    files: tuple[ReferenceFile, ...] = ()
    descriptors: Float[np.ndarray, "n 896"] = field(default_factory=lambda: np.zeros((0, LENGTH), np.float32))
    failures: tuple[Failure, ...] = ()

    def best_for(self, picture: Picture, sha256: str, count: int) -> tuple[ReferenceFile, ...]:
        """Return the references most similar to a picture, without itself."""
        return self.best(describe(picture), count, but=sha256) if self.files else ()

    def best(self, descriptor: Float[np.ndarray, "896"], count: int, *, but: str = "") -> tuple[ReferenceFile, ...]:
        """Return the most similar references, the most similar first, without the file of hash ``but``: the picture.

        Similarity is the cosine after subtracting the mean of all shared references, since common features, such as a
        sky above a ground, are not informative. Ties are resolved by name.
        """
        similarity = np.zeros(len(self.files))
        for part, weight in PARTS:
            center = self.descriptors[:, part].mean(axis=0) if self.files else 0.0
            similarity += weight * (_unit(self.descriptors[:, part] - center) @ _unit(descriptor[part] - center))
        order = np.argsort(-np.round(similarity, 6), kind="stable")
        return tuple(self.files[index] for index in order if self.files[index].sha256 != but)[:count]


def describe_references(
    root: Place,
    names: Sequence[str],
    lines: Lines | None,
    limits: Limits,
    progress: Progress | None = None,
) -> SharedReferences:
    """Read shared references and compute their descriptors; files that are not complete pictures are reported.

    Args:
        root: Folder of the references.
        names: Names relative to the folder.
        lines: Storage of descriptors between runs; None for no storage.
        limits: Limits on reading.
        progress: Called with ("describe", done, total).

    Raises:
        OutputError: A descriptor cannot be stored.
    """
    cache = DescriptorCache(lines)
    descriptors: dict[ReferenceFile, np.ndarray] = {}
    seen, failures = set(), []
    for number, name in enumerate(names):
        try:
            content = root.read(name, limits)
            file = ReferenceFile(name, hashlib.sha256(content).hexdigest())
            if file.sha256 not in seen:
                make = partial(_described, content, root.locate(name), limits)
                descriptors[file] = cache.get(file.sha256, make)
                seen.add(file.sha256)
        except OutputError:  # with fewer references, outputs would differ
            raise
        except (SrnttError, MemoryError) as error:
            failures.append(Failure(name, f"reference skipped: {error}"))
        if progress:
            progress("describe", number + 1, len(names))
    table = np.array(list(descriptors.values()), np.float32).reshape(-1, LENGTH)
    return SharedReferences(tuple(descriptors), table, tuple(failures))


def _described(content: bytes, source: str, limits: Limits) -> Float[np.ndarray, "896"]:
    return describe(load_content(content, source, limits=limits))


def _unit(vectors: Float[np.ndarray, "... n"]) -> Float[np.ndarray, "... n"]:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def _unpacked(text: str) -> Float[np.ndarray, "896"] | None:
    try:
        vector = np.frombuffer(base64.b64decode(text, validate=True), "<f2").astype(np.float32)
    except ValueError:
        return None
    return vector if vector.shape == (LENGTH,) and bool(np.isfinite(vector).all()) else None
