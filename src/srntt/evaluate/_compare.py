"""Two reports of the same pictures, picture by picture: what differs, and whether that may be chance.

A report may come from anywhere, so it is read with suspicion.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from srntt._shapes import Float
from srntt.errors import InputError
from srntt.evaluate._metrics import METRICS
from srntt.evaluate._read_json import read_json

_MAX_BYTES, _MAX_IMAGES = 64 << 20, 100_000
_SEED, _RESAMPLES, _CHUNK = 0, 10_000, 1 << 22


@dataclass(frozen=True)
class Difference:
    """One metric of two evaluations of the same pictures; differences are the second minus the first.

    Attributes:
        runs: what was evaluated: the references, and which models.
        metric: name in `METRICS`.
        first, second: their means.
        mean: of the differences.
        interval: 95 % of the means of 10,000 resamples of the pictures (percentile bootstrap, fixed seed); None for
            fewer than two pictures.
        wins: pictures on which the second is better.
        losses: pictures on which it is worse.
        ties: pictures on which the two are equal.
    """

    runs: str
    metric: str
    first: float
    second: float
    mean: float
    interval: tuple[float, float] | None
    wins: int
    losses: int
    ties: int


@dataclass(frozen=True)
class _Run:
    told: str
    model: str
    key: str
    images: Mapping[str, Mapping[str, float]]


def compare_reports(first: Path, second: Path) -> tuple[Difference, ...]:
    """Paired differences between two report.json files, for each of their evaluations and each metric of both.

    A metric counts only where every picture has a finite value of it in both.

    Raises:
        InputError: a file that is not a report, or two that do not pair: other protocol, references or pictures, or no
            metric in common.
    """
    a, b = _read(first), _read(second)
    _refuse_unpaired(first, second, "evaluations", [run.key for run in a], [run.key for run in b])
    others = {run.key: run for run in b}
    found = [item for run in a for item in _differences(first, second, run, others[run.key])]
    if not found:
        raise InputError(
            f"{first} and {second} have no metric in common that every picture has a finite value of. "
            "Evaluate both with the same --metrics."
        )
    return tuple(found)


def comparison_table(differences: Sequence[Difference]) -> list[str]:
    """The differences as Markdown."""
    head = ["references", "metric", "first", "second", "second - first", "95 % interval", "better", "worse", "equal"]
    rows = [head, ["---"] * len(head), *(_row(item) for item in differences)]
    return [f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows]


def comparison_json(differences: Sequence[Difference]) -> str:
    """The differences as a JSON list."""
    return json.dumps([asdict(item) for item in differences], indent=1, allow_nan=False)


def paired_interval(differences: Float[np.ndarray, " n"]) -> tuple[float, float] | None:
    """95 % percentile bootstrap interval of a mean, from 10,000 resamples with a fixed seed; None for fewer than two.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), section 13.3.

    >>> paired_interval(np.array([0.5, 0.5, 0.5]))
    (0.5, 0.5)
    """
    if (count := len(differences)) < 2:
        return None
    rng = np.random.default_rng(_SEED)
    at_once = max(1, _CHUNK // count)
    means = [
        differences[rng.integers(0, count, (min(at_once, _RESAMPLES - done), count))].mean(axis=1)
        for done in range(0, _RESAMPLES, at_once)
    ]
    low, high = np.percentile(np.concatenate(means), [2.5, 97.5])
    return float(low), float(high)


def _differences(first: Path, second: Path, a: _Run, b: _Run) -> list[Difference]:
    _refuse_unpaired(first, second, f"pictures ({a.told})", list(a.images), list(b.images))
    models = a.told if a.model == b.model else f"{a.told}; {a.model} / {b.model}"
    names = [n for n in METRICS if all(n in image for run in (a, b) for image in run.images.values())]
    return [_difference(models, n, [(a.images[key][n], b.images[key][n]) for key in a.images]) for n in names]


def _difference(runs: str, metric: str, values: list[tuple[float, float]]) -> Difference:
    pairs = np.array(values, dtype=np.float64)
    difference = pairs[:, 1] - pairs[:, 0]
    up = difference if METRICS[metric].better == "higher" else -difference
    wins, losses = int((up > 0).sum()), int((up < 0).sum())
    first, second = (float(column.mean()) for column in pairs.T)
    interval = paired_interval(difference)
    return Difference(
        runs, metric, first, second, float(difference.mean()), interval, wins, losses, len(values) - wins - losses
    )


def _row(item: Difference) -> list[str]:
    metric = METRICS[item.metric]
    digits = metric.digits + 1  # a difference is smaller than what differs
    interval = f"{item.interval[0]:+.{digits}f} .. {item.interval[1]:+.{digits}f}" if item.interval else "-"
    title = f"{metric.title} ({metric.better} is better)"
    values = [f"{item.first:.{digits}f}", f"{item.second:.{digits}f}", f"{item.mean:+.{digits}f}"]
    return [item.runs, title, *values, interval, *(str(count) for count in (item.wins, item.losses, item.ties))]


def _refuse_unpaired(first: Path, second: Path, what: str, a: list[str], b: list[str]) -> None:
    for path, other, names in ((first, second, set(a) - set(b)), (second, first, set(b) - set(a))):
        if names:
            listed = "; ".join(sorted(names)[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
            raise InputError(
                f"The reports do not pair: {path} has {what} that {other} lacks: {listed}. "
                "Evaluate both with the same --protocol, --data and --refs."
            )


def _read(path: Path) -> list[_Run]:
    content = read_json(
        path,
        what="a report.json",
        most=_MAX_BYTES,
        get="Give the report.json of srntt evaluate --report.",
        mend="Give a report.json.",
    )
    entries = content if isinstance(content, list) else [content]
    if not entries:
        raise InputError(f"{path} holds no evaluation. Give the report.json of srntt evaluate --report.")
    runs = [_run(path, entry) for entry in entries]
    keys = [run.key for run in runs]
    if repeated := sorted({key for key in keys if keys.count(key) > 1}):
        raise InputError(f"{path} holds an evaluation twice: {repeated[0]}. Give reports of one model each.")
    return runs


def _run(path: Path, entry: Any) -> _Run:
    if not isinstance(entry, dict):
        raise _odd(path, "an evaluation that is no object")
    protocol, model, refs = (_text(path, entry, key) for key in ("protocol", "model", "refs"))
    change = entry.get("reference_change")
    told = refs
    if isinstance(change, dict):
        told = f"{refs}, {_text(path, change, 'what')} {_number(path, change.get('value')):g}"
    images = entry.get("images")
    if not isinstance(images, list) or not 0 < len(images) <= _MAX_IMAGES:
        raise _odd(path, "no list of images, or an empty one")
    scored = [_image(path, image) for image in images]
    by_name = dict(scored)
    if len(by_name) < len(scored):
        raise _odd(path, "a name of a picture twice")
    return _Run(told, model, f"protocol {protocol}, references {told}", by_name)


def _image(path: Path, image: Any) -> tuple[str, dict[str, float]]:
    if not isinstance(image, dict):
        raise _odd(path, "an image that is no object")
    values = {name: image[name] for name in METRICS if image.get(name) is not None}
    return _text(path, image, "name"), {name: _number(path, value) for name, value in values.items()}


def _text(path: Path, entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not 0 < len(value) <= 4096 or not value.isprintable():
        raise _odd(path, f"no {key}, or one that is not text that can be printed")
    return value


def _number(path: Path, value: Any) -> float:
    sane = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= 1e6
    if not sane or not math.isfinite(value):
        raise _odd(path, "a figure that is no finite number of a sensible size")
    return float(value)


def _odd(path: Path, what: str) -> InputError:
    return InputError(f"{path} has {what}. Give the report.json of srntt evaluate --report.")
