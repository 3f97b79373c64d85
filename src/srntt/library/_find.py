"""From a small picture to its references: by descriptor, then by keypoints, then by the photographs themselves."""

import hashlib
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np

from srntt.errors import SrnttError
from srntt.image import Limits, Picture, load_content, read_file
from srntt.library._assess import Assessed, what_it_adds
from srntt.library._codebook import codebook
from srntt.library._describe import PackedKeypoints, global_descriptor
from srntt.library._found import Choice, Found
from srntt.library._index import Entry, Index
from srntt.views.aligned import (
    Keypoints,
    Plane,
    TargetFeatures,
    deterministic,
    find_planes,
    find_target_features,
    match_descriptors,
)

_SUPPORT = 8  # keypoints on planes that promise geometry
_LARGER = 1.25  # pixels of a photograph for one of the picture, below which it cannot be sharper
_LEAST = 0.03  # of the picture to which a photograph must add detail
_AGAIN = 0.25  # worth of detail where a chosen photograph has it, too: a second opinion helps
_OPENED = 8  # photographs that are opened: those of the most support, then the most alike


class Candidate(NamedTuple):
    """A photograph that may show the scene.

    Attributes:
        entry: The photograph.
        planes: Planes seen in both pictures.
    """

    entry: Entry
    planes: tuple[Plane, ...]

    @property
    def support(self) -> int:
        """Number of keypoints on planes."""
        return sum(plane.support for plane in self.planes)

    @property
    def is_promising(self) -> bool:
        """Whether it shows the scene somewhere larger than the picture does, or no geometry was found yet."""
        return not self.planes or max(plane.scale for plane in self.planes) >= _LARGER


def find_references(
    index: Index, picture: Picture, most: int, exclude: Sequence[str | os.PathLike], limits: Limits
) -> Found:
    """Find the references that would add the most detail to a picture.

    Args:
        index: Of the library.
        picture: Low-res picture.
        most: Number of references at most.
        exclude: Files that are not chosen, besides that of the picture itself.
        limits: Limits on reading.

    Raises:
        InputError: There is no library, or it is damaged.
    """
    with deterministic():
        entries, compared = index.nearest(global_descriptor(picture.color))
    target = find_target_features(picture.rgb())
    unwanted = [Path(path) for path in (*exclude, picture.source)]
    skip = lambda path: any(_same(path, one) for one in unwanted)  # noqa: E731
    assessed, notes = opened(target, candidates(target, entries), skip, limits)
    copies = tuple(one.choice.path for one in assessed if one.is_copy)
    chosen = _choose([one for one in assessed if not one.is_copy], most)
    return Found(chosen, copies, compared, tuple(notes))


def candidates(target: TargetFeatures, entries: Sequence[Entry]) -> list[Candidate]:
    """Return the photographs to open: those whose keypoints agree with the picture, then the most alike ones.

    Views from far apart share too few of the keypoints that are stored; opened, a photograph has more.
    """
    with deterministic():
        found = [Candidate(entry, _planes(target.keypoints, entry)) for entry in entries]
    promising = [one for one in found if one.is_promising]
    return sorted(promising, key=lambda one: -one.support if one.support >= _SUPPORT else 0)


def opened(
    target: TargetFeatures, candidates: Sequence[Candidate], skip: Callable[[Path], bool], limits: Limits
) -> tuple[list[Assessed], list[str]]:
    """Open the most promising photographs and assess what they add.

    Args:
        target: Keypoints of the small picture.
        candidates: The most promising first.
        skip: Whether a file is not wanted, such as that of the picture itself.
        limits: Limits on reading.

    Returns:
        Photographs of the scene, and notes on files that could not be used.
    """
    assessed, notes, tried = [], [], 0
    for entry, _ in candidates:
        paths = [path for path in entry.paths if not skip(path)]
        if len(paths) < len(entry.paths):  # a file that is not wanted: nor are its duplicates
            continue
        if tried == _OPENED:
            break
        tried += 1
        path, picture, problem = _read(paths, entry.sha256, limits)
        if picture is None:
            notes.append(problem)
        elif added := what_it_adds(target, picture):
            placement, adds = added
            choice = Choice(path, entry.sha256.hex(), float(adds.mean()), placement, entry.similarity)
            assessed.append(Assessed(choice, adds))
    return assessed, notes


def _choose(assessed: Sequence[Assessed], most: int) -> tuple[Choice, ...]:
    """Choose photographs one by one, each for what it adds to those before it.

    Args:
        assessed: Photographs of the scene.
        most: Number to choose at most.
    """
    left = [one for one in assessed if one.choice.share >= _LEAST]
    chosen: list[Assessed] = []
    while left and len(chosen) < most:
        covered = np.logical_or.reduce([one.adds for one in chosen]) if chosen else np.zeros_like(left[0].adds)
        worth = [_worth(one, covered) for one in left]
        chosen.append(left.pop(int(np.argmax(worth))))
    return tuple(one.choice for one in chosen)


def _worth(one: Assessed, covered: np.ndarray) -> float:
    again, alike = (one.adds & covered).mean(), float(one.choice.placement.correlation.mean())
    return float((one.adds & ~covered).mean() + _AGAIN * again) * max(0.0, alike)


def _planes(mine: Keypoints, entry: Entry) -> tuple[Plane, ...]:
    packed = PackedKeypoints.unpack(entry.keypoints)
    own, other = match_descriptors(mine.descriptors, codebook().decode(packed.codes))
    return tuple(find_planes(mine.points[own], packed.positions(entry.size)[other]))


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


def _same(path: Path, other: Path) -> bool:
    with suppress(OSError, ValueError):
        return path.samefile(other)
    return False
