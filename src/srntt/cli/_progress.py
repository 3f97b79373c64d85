"""Progress on stderr: a bar on a terminal, a line now and then anywhere else."""

import sys
import time
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import rich.progress

_STAGES = {"encode": "reading references", "match": "matching", "render": "rendering", "download": "downloading"}
_SECONDS_BETWEEN_LINES = 5.0


class ProgressOnStderr(AbstractContextManager):
    """Called with (stage, done, total) by whatever works; `close` leaves a clean line for what comes next."""

    def __init__(self) -> None:
        self._bars = _bars()
        self._tasks: dict[str, rich.progress.TaskID] = {}
        self._stage, self._said_at = "", 0.0

    def __enter__(self) -> "ProgressOnStderr":
        if self._bars:
            self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bars:
            self._bars.stop()

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` of a stage are finished."""
        if self._bars:
            if stage not in self._tasks:
                self._tasks[stage] = self._bars.add_task(_STAGES.get(stage, stage), total=total)
            self._bars.update(self._tasks[stage], completed=done, total=total)
        elif self._worth_a_line(stage, done, total):
            print(f"{_STAGES.get(stage, stage)}: {100 * done // max(total, 1)} %", file=sys.stderr, flush=True)

    def _worth_a_line(self, stage: str, done: int, total: int) -> bool:
        """The end of a stage, and every five seconds on the way there."""
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._said_at = stage, now
        if done < total and now - self._said_at < _SECONDS_BETWEEN_LINES:
            return False
        self._said_at = now
        return True


def _bars() -> "rich.progress.Progress | None":
    if not sys.stderr.isatty():
        return None
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    if console.is_dumb_terminal:
        return None
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True)
