"""How a training run goes, for people: its log's lines in words, and a bar on a terminal."""

import io
import json
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import rich.progress

    import srntt.train

_SCORES = {"first": "first reference", "all": "all", "unrelated": "unrelated", "none": "none"}
_TOLD_APART = {"step", "minutes", "rate", *_SCORES}


class TrainProgress(AbstractContextManager):
    """While a run lasts, stands in for stderr: a JSON line of the run's log is said in words, all else as it is.

    Args:
        schedule: of the run.
        as_json: leave the lines as they are.
    """

    def __init__(self, schedule: "srntt.train.Schedule", as_json: bool) -> None:
        self._schedule = schedule
        self._stderr = sys.stderr
        self._as_json = as_json
        self._bars = None if as_json else _bars()

    def __enter__(self) -> "TrainProgress":
        if not self._as_json:
            sys.stderr = _Lines(self._line)
        if self._bars:
            self._bars.start()
            self._task = self._bars.add_task("training", total=1.0)
        return self

    def __exit__(self, *_: object) -> None:
        sys.stderr = self._stderr
        if self._bars:
            self._bars.stop()

    def _line(self, line: str) -> None:
        entry = _entry(line)
        text = line if entry is None else in_words(entry, self._schedule)
        if not self._bars:
            print(text, file=self._stderr, flush=True)
            return
        self._bars.console.print(text, markup=False, highlight=False)
        if entry:
            self._bars.update(self._task, completed=share_done(entry, self._schedule))


def share_done(entry: dict[str, Any], schedule: "srntt.train.Schedule") -> float:
    """Of the run, 0..1, by steps or by its time limit."""
    by_time = entry.get("minutes", 0.0) / schedule.minutes if schedule.minutes else 0.0
    return min(1.0, max(entry["step"] / schedule.steps, by_time))


def in_words(entry: dict[str, Any], schedule: "srntt.train.Schedule") -> str:
    """A line of the log: where the run is, the terms of the loss, and the scores of the validation."""
    done, minutes = share_done(entry, schedule), entry.get("minutes", 0.0)
    head = [f"step {entry['step']:,} of {schedule.steps:,} ({done:.0%})", f"{minutes:.0f} min"]
    if 0 < done < 1 and minutes:
        head.append(f"{timedelta(seconds=round(60 * minutes * (1 - done) / done))} left")
    terms = [f"{name.replace('_', ' ')} {value:.4g}" for name, value in entry.items() if name not in _TOLD_APART]
    scores = [f"{told} {entry[name]:.2f}" for name, told in _SCORES.items() if name in entry]
    parts = [", ".join(head), ", ".join(terms), f"PSNR-Y {', '.join(scores)}" if scores else ""]
    return "; ".join(filter(None, parts))


class _Lines(io.TextIOBase):
    """Text to a function, a line at a time."""

    def __init__(self, take: Callable[[str], None]) -> None:
        self._take, self._rest = take, ""

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._take(line)
        return len(text)

    def writable(self) -> bool:
        return True


def _entry(line: str) -> dict[str, Any] | None:
    if not line.startswith('{"step"'):
        return None
    try:
        return json.loads(line)
    except ValueError:
        return None


def _bars() -> "rich.progress.Progress | None":
    if not sys.stderr.isatty():
        return None
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    console = Console(file=sys.stderr)
    if console.is_dumb_terminal:
        return None
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True, redirect_stderr=False)
