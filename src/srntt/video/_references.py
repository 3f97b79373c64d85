"""References of each shot: the stills given that resemble it most, and the sharpest frames of the film itself."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from srntt.batch import ReferenceFile, SharedReferences, describe
from srntt.image import Limits, Picture, load
from srntt.upscale import References, Upscaler
from srntt.video._clip import Clip
from srntt.video._survey import Shot, Survey

_KEPT = 8  # encoded stills that are kept for later shots
SHARPEST = 2  # frames of a shot


class ShotReferences:
    """Chooses and encodes the references of each shot.

    Args:
        upscaler: Encodes them.
        stills: Files of pictures.
        best: Number of stills for a shot at most; the most similar ones, if there are more.
        limits: On reading.

    Raises:
        PictureError: A still is not a complete picture.
    """

    def __init__(self, upscaler: Upscaler, stills: Sequence[Path], best: int, limits: Limits) -> None:
        self._upscaler, self._stills, self._best, self._limits = upscaler, stills, best, limits
        self._encoded: dict[Path, References] = {}
        self._similar = self._described() if len(stills) > best else None

    def of(self, clip: Clip, survey: Survey, shot: Shot, *, own: bool) -> References | None:
        """Encode the references of a shot; None if there are none.

        Args:
            clip: The film.
            survey: Of the film.
            shot: One of its shots.
            own: Include its sharpest frames.
        """
        sharpest = _frames(clip, survey, survey.sharpest(shot, SHARPEST)) if own or self._similar else []
        parts = [self._still(path) for path in self._chosen(sharpest)]
        if own:
            parts += [self._upscaler.encode_references([picture]) for picture in sharpest]
        if not parts:
            return None
        sources = [part.sources[0] for part in parts if len(part)]
        return References.joined([part for part in parts if len(part)], sources) if sources else None

    def _chosen(self, sharpest: Sequence[Picture]) -> list[Path]:
        if self._similar is None:
            return list(self._stills)
        descriptor = np.mean([describe(picture) for picture in sharpest], 0)
        return [Path(file.name) for file in self._similar.best(descriptor, self._best)]

    def _still(self, path: Path) -> References:
        if path not in self._encoded:
            while len(self._encoded) >= _KEPT:
                del self._encoded[next(iter(self._encoded))]
            self._encoded[path] = self._upscaler.encode_references([path], limits=self._limits)
        return self._encoded[path]

    def _described(self) -> SharedReferences:
        files, descriptors = [], []
        for path in self._stills:
            picture = load(path, limits=self._limits)
            files.append(ReferenceFile(str(path), hashlib.sha256(picture.digest()).hexdigest()))
            descriptors.append(describe(picture))
        return SharedReferences(tuple(files), np.array(descriptors))


def _frames(clip: Clip, survey: Survey, numbers: Iterable[int]) -> list[Picture]:
    """Frames by number, named after it."""
    found = ((number, next(clip.frames(number, survey.times))) for number in numbers)
    return [replace(frame.picture, source=f"frame {number}") for number, frame in found]
