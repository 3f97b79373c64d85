"""From a small picture to its references: by descriptor, then by keypoints, then by the photographs themselves."""

import hashlib
import os
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from srntt.errors import SrnttError
from srntt.image import Limits, Picture, load_content, read_file
from srntt.library._assess import Assessed, what_it_adds
from srntt.library._codebook import codebook
from srntt.library._describe import PackedKeypoints, global_descriptor
from srntt.library._search import read_descriptors
from srntt.views.aligned import (
    Keypoints,
    Plane,
    TargetFeatures,
    deterministic,
    find_planes,
    find_target_features,
    match_keypoints,
)

COMPARED = 50  #: photographs whose keypoints are compared, the most alike ones
_SUPPORT = 8  # keypoints on planes that promise geometry
_LARGER = 1.25  # pixels of a photograph for one of the picture, below which it cannot be sharper
_OPENED = 8  # photographs that are opened: those of the most support, then the most alike


class Candidate(NamedTuple):
    """A photograph that may show the scene.

    Attributes:
        paths: Its files.
        sha256: Hash of their content.
        similarity: Cosine of the global descriptors.
        planes: Planes seen in both pictures.
    """

    paths: tuple[Path, ...]
    sha256: bytes
    similarity: float
    planes: tuple[Plane, ...]

    @property
    def support(self) -> int:
        """Number of keypoints on planes."""
        return sum(plane.support for plane in self.planes)

    @property
    def is_promising(self) -> bool:
        """Whether it shows the scene somewhere larger than the picture does, or no geometry was found yet."""
        return not self.planes or max(plane.scale for plane in self.planes) >= _LARGER


@dataclass(frozen=True, eq=False)
class Target:
    """A small picture, prepared.

    Attributes:
        picture: The picture.
        features: Its keypoints.
    """

    picture: Picture
    features: TargetFeatures

    @classmethod
    def of(cls, picture: Picture) -> "Target":
        """Prepare a picture."""
        return cls(picture, find_target_features(picture.rgb()))


def candidates(connection: sqlite3.Connection, target: Target) -> list[Candidate]:
    """Return the photographs to open: those whose keypoints agree with the picture, then the most alike ones.

    Views from far apart share too few of the keypoints that are stored; opened, a photograph has more.
    """
    with deterministic():
        found = [_candidate(connection, target, *near) for near in most_alike(connection, target.picture)]
    promising = [one for one in found if one.is_promising and one.paths]
    return sorted(promising, key=lambda one: -one.support if one.support >= _SUPPORT else 0)


def most_alike(connection: sqlite3.Connection, picture: Picture) -> list[tuple[int, float]]:
    """Return the numbers of the photographs most similar by descriptor, with their similarity."""
    query = global_descriptor(picture.color)
    return read_descriptors(connection, len(query)).nearest(query, COMPARED)


def opened(
    target: Target, candidates: Sequence[Candidate], skip: Callable[[Path], bool], limits: Limits
) -> tuple[list[Assessed], list[str]]:
    """Open the most promising photographs and assess what they add.

    Args:
        target: Small picture.
        candidates: The most promising first.
        skip: Whether a file is not wanted, such as that of the picture itself.
        limits: Limits on reading.

    Returns:
        Photographs of the scene, and notes on files that could not be used.
    """
    assessed, notes, tried = [], [], 0
    for candidate in candidates:
        paths = [path for path in candidate.paths if not skip(path)]
        if len(paths) < len(candidate.paths):  # a file that is not wanted: nor are its duplicates
            continue
        if tried == _OPENED:
            break
        tried += 1
        path, picture, problem = _read(paths, candidate.sha256, limits)
        if picture is None:
            notes.append(problem)
        elif added := what_it_adds(target.features, picture):
            assessed.append(Assessed(path, candidate.sha256.hex(), candidate.similarity, *added))
    return assessed, notes


def _candidate(connection: sqlite3.Connection, target: Target, number: int, similarity: float) -> Candidate:
    find = "SELECT sha256, height, width, packed FROM photograph JOIN keypoints ON photograph = id WHERE id = ?"
    row = connection.execute(find, (number,)).fetchone()
    if row is None:
        return Candidate((), b"", similarity, ())
    sha256, height, width, packed = row
    rows = connection.execute("SELECT path FROM file WHERE photograph = ? ORDER BY path", (number,))
    paths = tuple(Path(os.fsdecode(path)) for (path,) in rows)
    planes = _planes(target.features.keypoints, PackedKeypoints.unpack(packed), (height, width))
    return Candidate(paths, bytes(sha256), similarity, planes)


def _planes(mine: Keypoints, packed: PackedKeypoints, size: tuple[int, int]) -> tuple[Plane, ...]:
    theirs = Keypoints(packed.positions(size), codebook().decode(packed.codes))
    return tuple(find_planes(*match_keypoints(mine, [theirs])))


def _read(paths: Sequence[Path], sha256: bytes, limits: Limits) -> tuple[Path, Picture | None, str]:
    """Read the first file that still has the content that was indexed."""
    problem = ""
    for path in paths:
        try:
            content = read_file(str(path), limits)
            if hashlib.sha256(content).digest() == sha256:
                return path, load_content(content, str(path), limits=limits), ""
            problem = f"{path}: has changed since it was added, skipped. Run srntt library update."
        except SrnttError as error:
            problem = str(error)
    return paths[0], None, problem
