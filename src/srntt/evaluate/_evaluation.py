"""A method over a protocol's pictures: a score for each, and their mean."""

import hashlib
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from srntt.data import Pair, ReferenceKind, as_unit
from srntt.evaluate._changes import ReferenceChange
from srntt.evaluate._environment import environment
from srntt.evaluate._identity import pixels_sha256
from srntt.evaluate._methods import Method
from srntt.evaluate._metrics import METRICS, Comparison, Metrics, choose_metrics, mean_scores
from srntt.evaluate._prepare import Case, prepare
from srntt.evaluate._protocols import Protocol
from srntt.evaluate._view import View, bicubic_of, make_view
from srntt.metrics import lr_psnr, psnr_y, round_to_bytes

if TYPE_CHECKING:
    import srntt.evaluate

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Score:
    """One picture's figures.

    Attributes:
        name: of the target.
        values: of each metric by its name in `METRICS`; None for one whose weights are not at hand.
        seconds: from the low-res picture and the reference files to the output in memory.
        fallbacks: what the method had to do otherwise than asked.
        similarity: mean cosine of the low-res positions' matches in the references; None where the method tells none.
        bicubic: PSNR-Y of plain bicubic of the same low-res picture: the floor.
        view: what a report shows of it; None where none was asked for.
        target_sha256: `pixels_sha256` of what was scored of the target; None where it is not known.
        low_res_sha256: that of the low-res picture which the method was given.
    """

    name: str
    values: Mapping[str, float | None]
    seconds: float
    fallbacks: tuple[str, ...] = ()
    similarity: float | None = None
    bicubic: float | None = None
    view: View | None = field(default=None, repr=False)
    target_sha256: str | None = None
    low_res_sha256: str | None = None

    def as_json(self) -> dict[str, Any]:
        """JSON has no infinity: null stands for it."""
        scores = {name: _finite(value) for name, value in self.values.items()}
        fallbacks = {"fallbacks": list(self.fallbacks)} if self.fallbacks else {}
        beside: dict[str, float | str | None] = {
            "similarity": _finite(self.similarity),
            "bicubic_psnr_y": _finite(self.bicubic),
        }
        beside |= {"target_sha256": self.target_sha256, "low_res_sha256": self.low_res_sha256}
        there = {name: value for name, value in beside.items() if value is not None}
        return {"name": self.name, **scores, "seconds": round(self.seconds, 3), **there, **fallbacks}


@dataclass(frozen=True)
class Evaluation:
    """All pictures of a protocol with one model and one kind of references, or with a peer.

    Attributes:
        protocol: its name.
        model: name or path as it was asked for.
        refs: which references were given.
        scores: one for each target, in the order of the index.
        environment: versions and machine.
        change: what was done to the references beforehand.
        missing: targets that the set has elsewhere; not 0 only where a subset was asked for.
        peer: what a peer is made of; None for a model of ours.
        data: name of the folder that the pictures are in.
        weights: what a model of ours is made of (`weights_of`).
    """

    protocol: str
    model: str
    refs: ReferenceKind
    scores: tuple[Score, ...]
    environment: dict[str, Any] = field(default_factory=environment)
    change: ReferenceChange | None = None
    missing: int = 0
    peer: Mapping[str, str] | None = None
    data: str | None = None
    weights: Mapping[str, Any] | None = None

    @property
    def method(self) -> str:
        """Name of the model or peer, and that it is a peer, for people."""
        return self.model if self.peer is None else f"{self.model} (peer)"

    @property
    def references(self) -> str:
        """The kind of references, what was done to them, and that targets are missing, for people."""
        told = f"{self.refs}, {self.change}" if self.change else self.refs
        count = len(self.scores)
        return f"{told} ({count} of {count + self.missing} targets)" if self.missing else told

    @property
    def data_sha256(self) -> str | None:
        """A hash of all targets, low-res pictures and names, whatever their order; None if one is not known."""
        rows = sorted((score.name, score.target_sha256 or "", score.low_res_sha256 or "") for score in self.scores)
        if not all(all(row) for row in rows):
            return None
        return hashlib.sha256("".join(f"{name}\0{a}{b}\n" for name, a, b in rows).encode()).hexdigest()

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
            **({"reference_change": self.change.as_json()} if self.change else {}),
            **({"peer": dict(self.peer)} if self.peer is not None else {}),
            **({"data": self._data()} if self.data or self.data_sha256 else {}),
            **({"weights": dict(self.weights)} if self.weights else {}),
            **({"subset": {"scored": len(self.scores), "missing": self.missing}} if self.missing else {}),
        }

    def _data(self) -> dict[str, Any]:
        return {"folder": self.data, "pictures": len(self.scores), "sha256": self.data_sha256}


def taken_metrics(evaluations: Sequence[Evaluation]) -> list[str]:
    """Names of the metrics that at least one evaluation took of all its pictures; the rest lacked their weights."""
    means = [evaluation.mean() for evaluation in evaluations]
    return [name for name in means[0] if any(mean.get(name) is not None for mean in means)]


def not_taken(evaluations: Sequence[Evaluation]) -> str:
    """What to tell people of the metrics that no table has; empty where all were taken."""
    names = set(evaluations[0].mean()) - set(taken_metrics(evaluations))
    titles = [metric.title for name, metric in METRICS.items() if name in names]
    return f"{', '.join(titles)} was not taken: its weights are not at hand (srntt weights get lpips)." if names else ""


def score_pairs(
    method: Method,
    pairs: Sequence[Pair],
    kind: ReferenceKind,
    protocol: Protocol,
    progress: Progress | None = None,
    metrics: Metrics | None = None,
    change: ReferenceChange | None = None,
    journal: "srntt.evaluate.Journal | None" = None,
    views: int = 0,
) -> tuple[Score, ...]:
    """Score a method on every pair; it is all or nothing, because a mean over some of the pictures says nothing.

    Args:
        method: what to judge.
        pairs: what on; at least one.
        kind: which references it is given.
        protocol: how the pictures are prepared and scored.
        progress: told (kind and change, targets done, targets in all); those in the journal are done at once.
        metrics: which to take; by default those of `choose_metrics`.
        change: done to each reference beforehand.
        journal: what was scored before is taken from it, and what is scored now goes into it.
        views: of how many pictures, from the first on, to keep what a report shows.

    Raises:
        PictureError: a picture that cannot be read.
        InputError: a target too small, one without references of this kind, or a method whose output has another size.
        OutputError: the journal cannot be written.
    """
    metrics = metrics or choose_metrics()
    for pair in pairs:
        pair.chosen(kind)  # every target must have what is asked for: better known now than after hours of work
    label = f"{kind}, {change}" if change else kind
    keys = [journal.key(protocol, pair, kind, change) for pair in pairs] if journal else [pair.name for pair in pairs]
    scores = {key: journal.scores[key] for key in keys if key in journal.scores} if journal else {}
    for number, (key, pair) in enumerate(zip(keys, pairs, strict=True)):
        if key in scores:
            continue
        if progress:
            progress(label, len(scores), len(pairs))
        case = prepare(protocol, pair, kind, change)
        scores[key] = _score(method, case, pair.name, protocol, metrics, number < views)
        if journal:
            journal.add(key, scores[key])
    if progress:
        progress(label, len(pairs), len(pairs))
    return tuple(scores[key] for key in keys)


def _score(method: Method, case: Case, name: str, protocol: Protocol, metrics: Metrics, view: bool) -> Score:
    started = time.perf_counter()
    answer = method(case.low_res, case.references)
    seconds = time.perf_counter() - started if answer.seconds is None else answer.seconds
    whole = round_to_bytes(answer.picture)
    wanted = np.ascontiguousarray(case.target.transpose(2, 0, 1)) / 255  # both n / 255 in float64, laid out alike
    measures = dict(metrics.measures)
    if "lr_psnr" in measures:  # the low-res picture is of the padded target: so must be what is reduced
        measures["lr_psnr"] = lambda _: lr_psnr(whole, case.low_res)
    output = case.cut(whole)
    values = Metrics(measures)(Comparison(output, wanted, case.low_res, protocol.crop))
    return Score(
        name,
        values,
        seconds=seconds,
        fallbacks=answer.fallbacks,
        similarity=None if answer.similarity is None else float(answer.similarity.mean()),
        bicubic=psnr_y(as_unit(bicubic_of(case)), wanted, crop=protocol.crop),
        view=make_view(case, answer, output) if view else None,
        target_sha256=pixels_sha256(case.target),
        low_res_sha256=pixels_sha256(case.low_res),
    )


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
