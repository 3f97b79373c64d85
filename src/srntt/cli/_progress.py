"""Progress on stderr: a bar on a terminal, a line now and then anywhere else."""

import sys
import time
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import TYPE_CHECKING

from srntt.cli._interrupt import raise_if_interrupted

if TYPE_CHECKING:
    import rich.progress

_STAGES = {
    "encode": "reading references",
    "base": "base model",
    "align": "aligning references",
    "match": "matching",
    "render": "rendering",
    "consistent": "back-projecting",
    "ensemble": "flips and turns",
    "download": "downloading",
}
_SECONDS_BETWEEN_LINES = 5.0


class ProgressOnStderr(AbstractContextManager):
    """Called with (stage, done, total) by whatever works; leaving it leaves a clean line for what comes next.

    Args:
        counted: what ``total`` is a number of, where people want the count and the time that is left; else percent.
    """

    def __init__(self, counted: str = "") -> None:
        self._counted = counted
        self._bars = _bars(counted)
        self._tasks: dict[str, rich.progress.TaskID] = {}
        self._stage, self._shown_at = "", 0.0
        self._began_at, self._began_with = 0.0, 0

    def __enter__(self) -> "ProgressOnStderr":
        if self._bars:
            self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bars:
            self._bars.stop()

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` of a stage are finished; a good moment to be interrupted, too."""
        raise_if_interrupted()
        if self._bars:
            if stage not in self._tasks:
                self._tasks[stage] = self._bars.add_task(_STAGES.get(stage, stage), total=total, completed=done)
            self._bars.update(self._tasks[stage], completed=done, total=total)
        elif self._worth_a_line(stage, done, total):
            print(f"{_STAGES.get(stage, stage)}: {self._how_far(done, total)}", file=sys.stderr, flush=True)

    def _worth_a_line(self, stage: str, done: int, total: int) -> bool:
        """The end of a stage, and every five seconds on the way there."""
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._shown_at = stage, now
            self._began_at, self._began_with = now, done
        if done < total and now - self._shown_at < _SECONDS_BETWEEN_LINES:
            return False
        self._shown_at = now
        return True

    def _how_far(self, done: int, total: int) -> str:
        if not self._counted:
            return f"{100 * done // max(total, 1)} %"
        return f"{done} of {total} {self._counted}{self._left(done, total)}"

    def _left(self, done: int, total: int) -> str:
        """At the pace since the stage began; what was done before does not count."""
        if done == total or done == self._began_with:
            return ""
        pace = (time.monotonic() - self._began_at) / (done - self._began_with)
        return f", {timedelta(seconds=round(pace * (total - done)))} left"


def _bars(counted: str) -> "rich.progress.Progress | None":
    if not sys.stderr.isatty():
        return None
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    if console.is_dumb_terminal:
        return None
    how_far = (MofNCompleteColumn(), TimeRemainingColumn()) if counted else (TaskProgressColumn(),)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), *how_far, TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True)
