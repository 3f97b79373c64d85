"""A method over a protocol's pictures: a score for each, and their mean."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from srntt._shapes import UInt8
from srntt.errors import InputError
from srntt.evaluate._environment import environment
from srntt.evaluate._methods import Method
from srntt.evaluate._metrics import Comparison, Metrics, choose_metrics, mean_scores
from srntt.evaluate._pairs import Pair, ReferenceKind
from srntt.evaluate._pixels import round_to_bytes
from srntt.evaluate._protocols import Protocol
from srntt.evaluate._ssim import SSIM_WINDOW
from srntt.image import load, resize_pillow

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Score:
    """One picture's figures.

    Attributes:
        name: of the target.
        values: of each metric by its name in `METRICS`; None for one whose weights are not at hand.
        seconds: from the low-res picture and the reference files to the output in memory.
        fallbacks: what the method had to do otherwise than asked.
    """

    name: str
    values: Mapping[str, float | None]
    seconds: float
    fallbacks: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """JSON has no infinity: null stands for it."""
        scores = {name: _finite(value) for name, value in self.values.items()}
        fallbacks = {"fallbacks": list(self.fallbacks)} if self.fallbacks else {}
        return {"name": self.name, **scores, "seconds": round(self.seconds, 3), **fallbacks}


@dataclass(frozen=True)
class Evaluation:
    """All pictures of a protocol with one model and one kind of references.

    Attributes:
        protocol: its name.
        model: name or path as it was asked for.
        refs: which references were given.
        scores: one for each target, in the order of the index.
        environment: versions and machine.
    """

    protocol: str
    model: str
    refs: ReferenceKind
    scores: tuple[Score, ...]
    environment: dict[str, Any] = field(default_factory=environment)

    def mean(self) -> dict[str, float | None]:
        """Mean of each metric over the targets; None for one that was not taken."""
        return mean_scores([score.values for score in self.scores])

    def as_json(self) -> dict[str, Any]:
        """What ``srntt evaluate --json`` prints."""
        return {
            "protocol": self.protocol,
            "model": self.model,
            "refs": self.refs,
            "mean": {name: _finite(value) for name, value in self.mean().items()},
            "images": [score.as_json() for score in self.scores],
            "environment": self.environment,
        }


def score_pairs(
    method: Method,
    pairs: Sequence[Pair],
    kind: ReferenceKind,
    protocol: Protocol,
    progress: Progress | None = None,
    metrics: Metrics | None = None,
) -> tuple[Score, ...]:
    """Score a method on every pair; it is all or nothing, because a mean over some of the pictures says nothing.

    Args:
        method: what to judge.
        pairs: what on; at least one.
        kind: which references it is given.
        protocol: scale and crop.
        progress: told (kind, targets done, targets in all).
        metrics: which to take; by default those of `choose_metrics`.

    Raises:
        PictureError: a picture that cannot be read.
        InputError: a target too small, one without references of this kind, or a method whose output has another size.
    """
    references = [pair.chosen(kind) for pair in pairs]
    metrics = metrics or choose_metrics()
    scores = []
    for done, (pair, files) in enumerate(zip(pairs, references, strict=True)):
        if progress:
            progress(kind, done, len(pairs))
        scores.append(_score(method, pair, files, protocol, metrics))
    if progress:
        progress(kind, len(pairs), len(pairs))
    return tuple(scores)


def read_target(file: Path, protocol: Protocol) -> UInt8[np.ndarray, "H W 3"]:
    """A target in 8-bit RGB, cropped top-left to multiples of the scale.

    Raises:
        PictureError: cannot be read.
        InputError: too small to be scored.
    """
    rgb = load(file).to_8bit().rgb().numpy()
    height, width = (extent // protocol.scale * protocol.scale for extent in rgb.shape[1:])
    if min(height, width) < (least := SSIM_WINDOW + 2 * protocol.crop):
        raise InputError(
            f"{file} has {rgb.shape[2]}x{rgb.shape[1]} pixels; protocol {protocol.name} needs {least}x{least} "
            f"once cropped to multiples of {protocol.scale}. Leave it out of the index."
        )
    return np.ascontiguousarray(np.rint(rgb[:, :height, :width] * 255).astype(np.uint8).transpose(1, 2, 0))


def _score(method: Method, pair: Pair, references: Sequence[Path], protocol: Protocol, metrics: Metrics) -> Score:
    target = read_target(pair.target, protocol)
    low_res = resize_pillow(target, (target.shape[0] // protocol.scale, target.shape[1] // protocol.scale))
    started = time.perf_counter()
    answer = method(low_res, references)
    seconds = time.perf_counter() - started
    output, wanted = round_to_bytes(answer.picture), target.transpose(2, 0, 1) / 255  # both n / 255 in float64
    values = metrics(Comparison(output, wanted, low_res, protocol.crop))
    return Score(pair.name, values, seconds=seconds, fallbacks=answer.fallbacks)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
