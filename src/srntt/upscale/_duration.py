"""Prediction of the time of an upscale, from its sizes and the speed of earlier ones on this machine."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import torch

from srntt._files import write_bytes
from srntt.match import choose_matcher
from srntt.memory import cuts
from srntt.models import Drive
from srntt.upscale._any_size import steps
from srntt.weights import weights_cache_dir

#: Seconds per unit of each stage before calibration: for one thread of a small machine, with lite-rec.
_FIRST = {"start": 2.0, "encode": 3.5e-7, "align": 1.1e-6, "match": 1.9, "render": 3.7e-5, "finish": 1.4e-7}
_WEIGHT = 0.5  # weight of the latest measurement
_TILE, _VIEWS = 256, 8  # side of a tile if memory suffices; views of an augmented reference
_WITH, _EACH, _MOST = 1.25, 0.25, 3  # relative work of rendering with references: with any, and for each
_VERSION = 1


@dataclass(frozen=True)
class Workload:
    """Sizes of an upscale.

    Attributes:
        picture: Height and width of the input.
        references: Height and width of each reference.
        output: Height and width of the output.
        augmented: Whether scaled and rotated copies of the references are searched, too.
        aligned: Whether references are aligned.
        repeated: Number of repetitions; 8 for a self-ensemble.
    """

    picture: tuple[int, int]
    references: Sequence[tuple[int, int]]
    output: tuple[int, int]
    augmented: bool = False
    aligned: bool = True
    repeated: int = 1

    def units(self, drive: Drive, matcher: str, device: torch.device) -> Iterator[tuple[str, float]]:
        """Yield the stages in order, with the amount of work in each."""
        yield "start", 1.0
        count, pixels = len(self.references), sum(height * width for height, width in self.references)
        for _ in range(self.repeated):
            if count:
                yield "encode", pixels * (2.5 if self.augmented else 1.0)
            for size in (self.picture, *steps(self.picture, self.output, drive.scale)[:-1]):
                places = size[0] * size[1]
                if count and self.aligned:
                    yield "align", float(pixels + 2 * count * places * drive.scale**2)
                if count:
                    yield "match", self._matching(places, drive, matcher, device) + 2e-6 * places * count
                seen = [
                    sum(min(end, stop + drive.halo) - max(0, start - drive.halo) for start, stop in cuts(end, _TILE))
                    for end in size
                ]
                yield "render", seen[0] * seen[1] * (_WITH + _EACH * min(count, _MOST) if count else 1.0)
        yield "finish", float(self.output[0] * self.output[1])

    def _matching(self, places: int, drive: Drive, matcher: str, device: torch.device) -> float:
        """Return the time predicted by the matcher; an aligned reference is searched at the size of the picture."""
        views = _VIEWS if self.augmented else 1
        keys = [max(1, height * width // drive.scale**2) for height, width in self.references for _ in range(views)]
        if self.aligned and views == 1:
            keys = [min(places, key) for key in keys]
        threads, channels = torch.get_num_threads(), 64
        choice = choose_matcher(places, keys, channels, patch=drive.patch, threads=threads, device=device.type)
        chosen = choice.matcher if matcher == "auto" else matcher
        return choice.fast_seconds if chosen == "fast" else choice.exact_seconds


@dataclass
class Speeds:
    """Time per unit of each stage, stored in the cache for each model, device and number of threads.

    Attributes:
        path: File in the cache; it may not exist yet.
        key: Key of model, device and threads.
        seconds: Seconds per unit by stage.
        calibrated: Whether an earlier upscale was measured.
    """

    path: Path
    key: str
    seconds: dict[str, float] = field(default_factory=lambda: dict(_FIRST))
    calibrated: bool = False

    @classmethod
    def of(cls, model: str, device: torch.device) -> "Speeds":
        """Load the stored speeds; a file that cannot be read is ignored."""
        speeds = cls(weights_cache_dir() / "speed.json", f"{model}, {device}, {torch.get_num_threads()} threads")
        with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
            known = speeds._read()[speeds.key]
            kept = {stage: float(known[stage]) for stage in _FIRST if stage in known}
            if all(0 < each < 1e6 for each in kept.values()):
                speeds.seconds |= kept
                speeds.calibrated = bool(kept)
        return speeds

    def learn(self, measured: dict[str, float], units: dict[str, float]) -> None:
        """Update the speeds by seconds and amount of work of each stage, and store them, if the cache is writable."""
        for stage, seconds in measured.items():
            if units.get(stage) and seconds > 0:
                rate = seconds / units[stage]
                old = self.seconds[stage]
                self.seconds[stage] = rate if not self.calibrated else old + _WEIGHT * (rate - old)
        self.calibrated = True
        with suppress(OSError, ValueError):
            known: dict[str, dict[str, float]] = {}
            with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
                known = dict(self._read())
            content = {"version": _VERSION, "speeds": known | {self.key: self.seconds}}
            write_bytes(self.path, json.dumps(content, indent=1).encode())

    def _read(self) -> dict[str, dict[str, float]]:
        content = json.loads(self.path.read_text(encoding="utf-8"))
        if content["version"] != _VERSION:
            raise ValueError("another version")
        return content["speeds"]


class Schedule:
    """Stages of an upscale with their predicted times, and the remaining time by the reported progress.

    Args:
        units: Stages in order, with the amount of work in each.
        speeds: Speeds of this machine.
        clock: Clock, in seconds.
        began: Start of the work on that clock; now if None.
        processor: Processor time of this process, in seconds. If given, speeds are not learned from time that other
            processes took: a stage counts as its processor time if that is less than its wall time.
    """

    def __init__(
        self,
        units: Sequence[tuple[str, float]],
        speeds: Speeds,
        clock: Callable[[], float] = time.monotonic,
        began: float | None = None,
        processor: Callable[[], float] | None = None,
    ) -> None:
        self._units, self._speeds, self._clock = list(units), speeds, clock
        self._processor = processor
        self._last_used = processor() if processor and began is None else 0.0
        self._began = clock() if began is None else began
        self._last, self._place, self._part = self._began, 0, 0.0
        self._predicted = [speeds.seconds[stage] * amount for stage, amount in self._units]
        self._measured: dict[str, float] = {}

    @property
    def predicted(self) -> float:
        """Predicted time of the whole work at its start, in seconds."""
        return sum(self._predicted)

    @property
    def elapsed(self) -> float:
        """Time since the start, in seconds."""
        return self._clock() - self._began

    @property
    def done(self) -> float:
        """Completed fraction of the whole work, 0 .. 1, by predicted time."""
        done = sum(self._predicted[: self._place]) + self._part * self._predicted[self._place]
        return done / max(self.predicted, 1e-9)

    @property
    def left(self) -> float:
        """Remaining time in seconds: the prediction, corrected by the rate so far as the work progresses."""
        rest = (1 - self.done) * self.predicted
        pace = self.elapsed / max(self.done * self.predicted, 1e-9)
        return rest * (1 + self.done * (pace - 1))

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Record the progress of a stage."""
        part = done / max(total, 1)
        place = self._find(stage, part)
        now = self._clock()
        spent = now - self._last
        if self._processor:
            used = self._processor()
            spent, self._last_used = min(spent, used - self._last_used), used
        if place is not None:
            self._place, self._part = place, part
            self._measured[stage] = self._measured.get(stage, 0.0) + spent
        self._last = now

    def started(self) -> None:
        """Record that the model is loaded."""
        self("start", 1, 1)

    def finish(self) -> None:
        """Record that everything is written, and update the speeds."""
        self("finish", 1, 1)
        units: dict[str, float] = {}
        for stage, amount in self._units:
            units[stage] = units.get(stage, 0.0) + amount
        self._speeds.learn(self._measured, units)

    def _find(self, stage: str, part: float) -> int | None:
        """Return the current stage, or the next one of this name, since a restarted stage belongs to the next pass."""
        first = self._place if part >= self._part or self._units[self._place][0] != stage else self._place + 1
        return next((n for n in range(first, len(self._units)) if self._units[n][0] == stage), None)
