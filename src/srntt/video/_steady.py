"""Temporal stability: each output is averaged with those before it, moved to where it shows the same things.

A recursive mean, as of a Kalman filter: an output counts as one of at most `_MOST` observations, and those before it
count as far as they agree with it. Motion is estimated on the outputs, whose fine detail makes it exact.
"""

from collections.abc import Mapping
from dataclasses import replace

import cv2
import numpy as np

from srntt._shapes import Bool, Float, Shaped, UInt8
from srntt.errors import MemoryBudgetError
from srntt.image import Picture
from srntt.memory import Room, budget_bytes, format_memory, resident_bytes
from srntt.video._survey import luma
from srntt.views.aligned import deterministic, plane_motion, search_flow

_MOST = 3.0  # observations; more gain nothing, and blur what a real clip has of its own
_FINE, _FINE_CONTRAST = 12.0, 0.3  # difference that is no agreement, in levels of 255 and for one of local contrast
_COARSE, _COARSE_CONTRAST = 2.2, 0.15  # likewise, of means over what one input pixel covers; relative to their noise
_NOISE = 0.001, 1.5  # levels, the least and the most: a cut is not noise
_SURROUNDINGS, _WIDER = 2.0, 4.0  # pixels: standard deviation of windows
_BETTER = 1.15, 0.5  # times, and levels: flow must fit better than the plane by that
_SMALLEST = 32  # pixels of a side, below which there is no flow
_ROWS, _HALO = 256, 32  # rows at once, and those around that windows reach
_PEAK = 112  # bytes for an output pixel while it is averaged, with those kept for the next frame


class Steady:
    """Outputs of a shot, in order, made steady.

    Args:
        scale: Output pixels for an input pixel.
    """

    def __init__(self, scale: int) -> None:
        self._scale = scale
        self._mean: Float[np.ndarray, "H W c"] | None = None
        self._count: Float[np.ndarray, "H W"] | None = None

    def next(self, picture: Picture) -> Picture:
        """Average an output with those before it."""
        levels = np.float32(np.iinfo(picture.color.dtype).max / 255)
        current = picture.color.astype(np.float32) / levels
        if self._mean is None or self._count is None or min(current.shape[:2]) < _SMALLEST:
            self._mean, self._count = current, np.ones(current.shape[:2], np.float32)
            return picture
        with deterministic():
            self._average(current, self._mean, self._count)
        color = np.clip(np.rint(self._mean * levels), 0, np.iinfo(picture.color.dtype).max)
        return replace(picture, color=np.ascontiguousarray(color.astype(picture.color.dtype)))

    def state(self) -> dict[str, Shaped[np.ndarray, "..."]]:
        """What the next output needs."""
        return {} if self._mean is None or self._count is None else {"mean": self._mean, "count": self._count}

    def restore(self, state: Mapping[str, Shaped[np.ndarray, "..."]]) -> None:
        """Continue from a state."""
        self._mean, self._count = state.get("mean"), state.get("count")

    def _average(
        self, current: Float[np.ndarray, "H W c"], mean: Float[np.ndarray, "H W c"], count: Float[np.ndarray, "H W"]
    ) -> None:
        flow = _motion(current, mean)
        noise = _noise(current, mean, flow, self._scale)
        updated, counted = np.empty_like(current), np.empty_like(count)
        height = len(current)
        for top in range(0, height, _ROWS):
            bottom = min(height, top + _ROWS)
            first, last = max(0, top - _HALO), min(height, bottom + _HALO)
            inner = slice(top - first, bottom - first)
            moved, seen = _moved(mean, count, flow[first:last], first)
            seen = np.minimum(seen, _MOST) * _agreement(moved, current[first:last], self._scale, noise)
            weight = (seen / (seen + 1))[..., None]
            part = weight * moved + (1 - weight) * current[first:last]
            updated[top:bottom], counted[top:bottom] = part[inner], seen[inner] + 1
        self._mean, self._count = updated, counted


def check_memory(budget: int | None, height: int, width: int) -> None:
    """Refuse outputs that cannot be averaged within the memory budget of the process.

    Args:
        budget: In bytes; None for most of the available memory.
        height, width: Of an output, before anything is kept of those before it.

    Raises:
        MemoryBudgetError: They do not fit.
    """
    room, needed = Room(resident_bytes(), budget_bytes(budget)), height * width * _PEAK
    if not room.fits(room.held, needed):
        raise MemoryBudgetError(
            f"Averaging outputs of {width} x {height} pixels along motion needs {format_memory(needed)}, and the "
            f"program uses {format_memory(room.held)}. {room.allowed(room.held + needed)} Allow more memory, or leave "
            "averaging out (srntt video --frame-by-frame)."
        )


def _motion(current: Float[np.ndarray, "H W c"], before: Float[np.ndarray, "H W c"]) -> Float[np.ndarray, "H W 2"]:
    """From each pixel to the same thing before: along the plane of the whole picture, unless flow fits better."""
    one, other = _gray(current), _gray(before)
    flow = search_flow(one, other, finest=1)
    plane = plane_motion(flow)
    if plane is None:
        return flow
    height, width = one.shape
    y, x = np.mgrid[:height, :width].astype(np.float32)
    there = cv2.perspectiveTransform(np.stack([x, y], -1).reshape(-1, 1, 2), plane).reshape(height, width, 2)
    along = there - np.stack([x, y], -1)
    by_flow, by_plane = (_misfit(one, other, each) for each in (flow, along))
    times, more = _BETTER
    share = _smooth((by_plane < times * by_flow + more).astype(np.float32), _WIDER)[..., None]
    return share * along + (1 - share) * flow


def _ends(
    flow: Float[np.ndarray, "h W 2"], first: int = 0
) -> tuple[Float[np.ndarray, "h W"], Float[np.ndarray, "h W"]]:
    """x and y of the ends of a flow, for rows from ``first`` on."""
    y, x = np.mgrid[first : first + len(flow), : flow.shape[1]].astype(np.float32)
    return x + flow[..., 0], y + flow[..., 1]


def _misfit(
    one: UInt8[np.ndarray, "H W"], other: UInt8[np.ndarray, "H W"], flow: Float[np.ndarray, "H W 2"]
) -> Float[np.ndarray, "H W"]:
    moved = cv2.remap(other, *_ends(flow), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return _smooth(cv2.absdiff(one, moved).astype(np.float32), _WIDER)


def _moved(
    mean: Float[np.ndarray, "H W c"], count: Float[np.ndarray, "H W"], flow: Float[np.ndarray, "h W 2"], first: int
) -> tuple[Float[np.ndarray, "h W c"], Float[np.ndarray, "h W"]]:
    """The mean and the count at the ends of the flow, for rows from ``first`` on; nothing is known outside."""
    (height, width), (x, y) = count.shape, _ends(flow, first)
    moved = cv2.remap(mean, x, y, cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE)
    seen = cv2.remap(count, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    inside: Bool[np.ndarray, "h W"] = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    return moved.reshape(*flow.shape[:2], -1), seen * inside


def _noise(
    current: Float[np.ndarray, "H W c"], mean: Float[np.ndarray, "H W c"], flow: Float[np.ndarray, "H W 2"], scale: int
) -> float:
    """Median difference of the means that the inputs determine: where little changes, that is the inputs' noise."""
    height, width = (extent // scale for extent in flow.shape[:2])
    one, other, motion = (
        cv2.resize(each, (width, height), interpolation=cv2.INTER_AREA) for each in (current, mean, flow / scale)
    )
    moved = cv2.remap(other, *_ends(motion), cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE)
    return float(np.clip(np.median(np.abs(moved - one)), *_NOISE))


def _agreement(
    moved: Float[np.ndarray, "h W c"], current: Float[np.ndarray, "h W c"], scale: int, noise: float
) -> Float[np.ndarray, "h W"]:
    """How far two outputs agree, 0 .. 1: in detail, and, up to noise, in the means that the input determines."""
    difference = moved - current
    fine = _smooth(np.abs(difference).mean(2), _SURROUNDINGS)
    means = cv2.blur(difference, (scale, scale)).reshape(difference.shape)
    coarse = _smooth(np.abs(means).mean(2), _SURROUNDINGS * scale)
    gray = current.mean(2)
    contrast = np.sqrt(np.maximum(0, _smooth(gray * gray, _WIDER) - _smooth(gray, _WIDER) ** 2))
    fine /= _FINE + _FINE_CONTRAST * contrast
    coarse /= noise * (_COARSE + _COARSE_CONTRAST * contrast)
    return np.exp(-(fine * fine) - coarse * coarse)


def _gray(pixels: Float[np.ndarray, "H W c"]) -> UInt8[np.ndarray, "H W"]:
    return np.clip(np.rint(luma(pixels)), 0, 255).astype(np.uint8)


def _smooth(values: Float[np.ndarray, "h W"], sigma: float) -> Float[np.ndarray, "h W"]:
    return cv2.GaussianBlur(values, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
