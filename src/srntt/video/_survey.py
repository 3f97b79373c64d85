"""A first look at a film: when frames are shown, where shots begin, and how sharp each frame is."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from srntt._shapes import Float
from srntt.errors import PictureError
from srntt.image import Picture
from srntt.video._clip import Frame

_THUMBNAIL = (64, 36)
_CHANGE, _TIMES, _AROUND = 15.0, 3.0, 2  # levels; relative to the frames around; how many to each side
_REBLURRED = 11  # pixels, as in scikit-image
MOST_FRAMES = 1_000_000


@dataclass(frozen=True)
class Shot:
    """Frames between two cuts: numbers ``first`` to ``stop``."""

    first: int
    stop: int


@dataclass(frozen=True)
class Survey:
    """Result of the first look.

    Attributes:
        times: When each frame is shown, and when the last one ends, in units of the time base.
        shots: Shots, in order.
        sharpness: Of each frame, 0 .. 1.
    """

    times: list[int]
    shots: list[Shot]
    sharpness: list[float]

    @property
    def frames(self) -> int:
        """Number of frames."""
        return len(self.sharpness)

    def sharpest(self, shot: Shot, count: int) -> list[int]:
        """Numbers of the sharpest frames of a shot, one in each of ``count`` parts of it."""
        edges = np.linspace(shot.first, shot.stop, min(count, shot.stop - shot.first) + 1).round().astype(int).tolist()
        return [max(range(a, b), key=lambda n: self.sharpness[n]) for a, b in pairwise(edges)]


def survey_of(frames: Iterable[Frame], report: Callable[[int], None]) -> Survey:
    """Look at every frame once.

    Args:
        frames: Of the film.
        report: Called with the number of frames seen.

    Raises:
        PictureError: There are more than a million frames.
    """
    times, sharpness, changes, end, before = [], [], [], 0, None
    for frame in frames:
        if len(times) == MOST_FRAMES:
            raise PictureError(f"The film has more than {MOST_FRAMES:,} frames. Cut it into several.")
        times.append(frame.time)
        end = frame.time + frame.duration
        sharpness.append(round(sharpness_of(frame.picture), 4))
        seen = _thumbnail(frame.picture)
        changes.append(0.0 if before is None else float(np.abs(seen - before).mean()))
        before = seen
        report(len(times))
    return Survey([*times, end], _shots(changes), sharpness)


def sharpness_of(picture: Picture) -> float:
    """Sharpness from 0 to 1: the share of its contrast that a picture loses when it is blurred again.

    Crete et al., *The blur effect: perception and estimation with a new no-reference perceptual blur metric*, 2007,
    subtracted from 1.
    """
    gray = luma(picture.color.astype(np.float32) / np.float32(np.iinfo(picture.color.dtype).max))
    return 1 - max(_blur(gray), _blur(np.ascontiguousarray(gray.T)))


def _blur(gray: Float[np.ndarray, "h w"]) -> float:
    """Along the columns."""
    reblurred = cv2.blur(gray, (1, _REBLURRED), borderType=cv2.BORDER_REFLECT)
    sharp, blurred = (np.abs(cv2.Sobel(each, cv2.CV_32F, 0, 1)) for each in (gray, reblurred))
    total = float(sharp.sum())
    return 1.0 if total == 0 else 1 - float(np.maximum(0, sharp - blurred).sum()) / total


def _thumbnail(picture: Picture) -> Float[np.ndarray, "36 64 3"]:
    """Hue, saturation and value of a small picture, each in levels of 255."""
    pixels = picture.to_8bit().color
    colored = pixels.repeat(3, 2) if picture.is_gray else pixels
    small = cv2.resize(colored, _THUMBNAIL, interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_RGB2HSV).astype(np.float32)


def luma(pixels: Float[np.ndarray, "h w c"]) -> Float[np.ndarray, "h w"]:
    """Y of BT.601, in any unit."""
    return pixels[..., 0] if pixels.shape[2] == 1 else pixels @ np.array((0.299, 0.587, 0.114), np.float32)


def _shots(changes: list[float]) -> list[Shot]:
    """A cut is a change that is large, and much larger than those around it, such as those of a fast pan."""
    cuts = [0]
    for number in range(1, len(changes)):
        around = changes[max(1, number - _AROUND) : number] + changes[number + 1 : number + 1 + _AROUND]
        if changes[number] >= max(_CHANGE, _TIMES * float(np.mean(around or [0.0]))):
            cuts.append(number)
    return [Shot(first, stop) for first, stop in zip(cuts, [*cuts[1:], len(changes)], strict=True)]
