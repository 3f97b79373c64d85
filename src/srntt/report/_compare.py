"""Paired comparison of evaluations of the same pictures, with confidence intervals."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from srntt._shapes import Float
from srntt.errors import InputError
from srntt.report._measured import markdown, shown_metric
from srntt.report._report_file import ReportedRun, read_report

_SEED, _RESAMPLES, _CHUNK = 0, 10_000, 1 << 22
_ENOUGH = 20  # pictures; for fewer, the coverage of a percentile interval is well below nominal


@dataclass(frozen=True)
class Difference:
    """Difference of one metric between two evaluations of the same pictures, second minus first.

    Attributes:
        runs: Evaluations compared: the references, and the models or peers.
        metric: Name of the metric, as for `--metrics`.
        first, second: Mean of each evaluation.
        mean: Mean of the differences.
        interval: 95% confidence interval of the mean (percentile bootstrap over pictures, 10,000 resamples, fixed
            seed); None for fewer than two pictures.
        wins: Number of pictures on which the second is better.
        losses: Number of pictures on which the second is worse.
        ties: Number of pictures on which both are equal.
        pictures: Number of pictures.
        warning: Caveat about the interval for small numbers of pictures, otherwise None.
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
    pictures: int
    warning: str | None


def compare_reports(first: Path, second: Path, *, baseline: str | None = None) -> tuple[Difference, ...]:
    """Compare the evaluations of two report.json files, for each metric they share.

    Without a baseline, evaluations are paired by protocol and references; peers, and models if a report has several,
    also by name. A metric is compared only if it is finite for every picture in both.

    Args:
        first: Report that contains the baseline.
        second: Report whose evaluations are compared with it; with `baseline`, it may be the same report.
        baseline: Name of a model or peer, or name and references ("lite-rec, none") if it has several evaluations in
            the first report. All other evaluations of the second report are compared with it.

    Raises:
        InputError: A file is not a report; evaluations cannot be paired, because protocol, references or pictures (by
            name and identity) differ, or no metric is shared; or the baseline does not exist or has nothing to be
            compared with.
    """
    a, b = read_report(first), read_report(second)
    if baseline is not None:
        return _compared_with(baseline, first, second, a, b)
    several = any(len({run.model for run in runs if not run.peer}) > 1 for runs in (a, b))
    keyed, others = ({run.key(with_model=several): run for run in runs} for runs in (a, b))
    _refuse_unpaired(first, second, "evaluations", list(keyed), list(others))
    return _found(first, second, [(_like(run, others[key]), run, others[key]) for key, run in keyed.items()])


def _compared_with(
    baseline: str, first: Path, second: Path, a: Sequence[ReportedRun], b: Sequence[ReportedRun]
) -> tuple[Difference, ...]:
    base = _named(baseline, first, a)
    same = first.resolve() == second.resolve()
    rest = [run for run in b if not (same and run.title == base.title and run.peer == base.peer)]
    if not rest:
        raise InputError(f"{second} contains nothing but {base.title}. Give a second report.")
    if odd := [run.protocol for run in rest if run.protocol != base.protocol]:
        raise InputError(
            f"{second} has protocol {odd[0]}, {base.title} in {first} {base.protocol}: they cannot be compared."
        )
    return _found(first, second, [(f"{base.title} / {run.title}", base, run) for run in rest])


def comparison_table(differences: Sequence[Difference]) -> list[str]:
    """Format the differences as a Markdown table, in lines."""
    head = ["references", "metric", "first", "second", "second - first", "95% interval", "better", "worse", "equal"]
    head.append("pictures")
    warnings = dict.fromkeys(item.warning for item in differences if item.warning)
    return [*markdown(head, map(_row, differences)), *warnings]


def paired_interval(differences: Float[np.ndarray, " n"]) -> tuple[float, float] | None:
    """Compute the 95% percentile bootstrap interval of a mean, from 10,000 resamples with a fixed seed.

    Returns None for fewer than two values.

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


def _found(first: Path, second: Path, pairs: Sequence[tuple[str, ReportedRun, ReportedRun]]) -> tuple[Difference, ...]:
    found = [item for runs, a, b in pairs for item in _differences(first, second, runs, a, b)]
    if not found:
        raise InputError(
            f"{first} and {second} have no metric in common that is finite for every picture. "
            "Evaluate both with the same --metrics."
        )
    return tuple(found)


def _like(a: ReportedRun, b: ReportedRun) -> str:
    if a.peer:
        return f"peer {a.model}"
    return a.references if a.model == b.model else f"{a.references}; {a.model} / {b.model}"


def _named(baseline: str, path: Path, runs: Sequence[ReportedRun]) -> ReportedRun:
    found = [run for run in runs if baseline in (run.model, f"{run.model}, {run.references}")]
    if len(found) == 1:
        return found[0]
    wrong = f"has {len(found)} evaluations of" if found else "has no"
    listed = "; ".join(run.title for run in (found or runs)[:6])
    raise InputError(f"{path} {wrong} {baseline!r}. Give --baseline one of: {listed}.")


def _differences(first: Path, second: Path, runs: str, a: ReportedRun, b: ReportedRun) -> list[Difference]:
    _refuse_unpaired(first, second, f"pictures ({a.references})", list(a.images), list(b.images))
    _refuse_namesakes(first, second, a, b)
    named = dict.fromkeys(name for image in a.images.values() for name in image)
    names = [n for n in named if all(n in image for run in (a, b) for image in run.images.values())]
    return [_difference(runs, n, [(a.images[key][n], b.images[key][n]) for key in a.images]) for n in names]


def _difference(runs: str, metric: str, values: list[tuple[float, float]]) -> Difference:
    pairs = np.array(values, dtype=np.float64)
    difference = pairs[:, 1] - pairs[:, 0]
    up = difference if shown_metric(metric).better == "higher" else -difference
    wins, losses = int((up > 0).sum()), int((up < 0).sum())
    first, second = (float(column.mean()) for column in pairs.T)
    interval = paired_interval(difference)
    mean, count = float(difference.mean()), len(values)
    ties = count - wins - losses
    return Difference(runs, metric, first, second, mean, interval, wins, losses, ties, count, _warning(count))


def _warning(pictures: int) -> str | None:
    if pictures < 2:
        return "1 picture: no interval can be estimated, and the result does not generalise."
    if pictures < _ENOUGH:
        return (
            f"{pictures} pictures: with fewer than {_ENOUGH} the interval is too narrow. Take it as an indication only."
        )
    return None


def _row(item: Difference) -> list[str]:
    metric = shown_metric(item.metric)
    digits = metric.digits + 1  # one more digit than for the values
    interval = f"{item.interval[0]:+.{digits}f} .. {item.interval[1]:+.{digits}f}" if item.interval else "-"
    title = f"{metric.title} ({metric.better} is better)"
    counts = (item.wins, item.losses, item.ties, item.pictures)
    values = [f"{item.first:.{digits}f}", f"{item.second:.{digits}f}", f"{item.mean:+.{digits}f}"]
    return [item.runs, title, *values, interval, *(str(count) for count in counts)]


def _refuse_unpaired(first: Path, second: Path, what: str, a: list[str], b: list[str]) -> None:
    for path, other, names in ((first, second, set(a) - set(b)), (second, first, set(b) - set(a))):
        if names:
            listed = "; ".join(sorted(names)[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
            raise InputError(
                f"The reports cannot be compared: {path} has {what} that {other} lacks: {listed}. "
                "Evaluate both with the same --protocol, --data and --refs."
            )


def _refuse_namesakes(first: Path, second: Path, a: ReportedRun, b: ReportedRun) -> None:
    """Raise if pictures of the same name differ: other data, another crop or another low-res picture."""
    found = {name: why for name, one in a.identities.items() if (why := one.conflict(b.identities[name]))}
    if found:
        name, why = next(iter(found.items()))
        count = f"{len(found)} of {len(a.identities)} pictures"
        raise InputError(
            f"The reports cannot be compared: {count} in {first} and {second} have the same name but differ. "
            f"For {name}, {why}. Evaluate both with the same --data and the same version of srntt."
        )
