"""Progress of a batch on stderr: how many, how fast, how long yet.

A bar on a terminal, a line now and then elsewhere.
"""

import sys
import time
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import TYPE_CHECKING

from srntt.cli._interrupt import raise_if_interrupted
from srntt.cli._say import printable

if TYPE_CHECKING:
    import rich.progress

    import srntt.batch

_STAGES = {"encode": "reading references", "match": "matching", "render": "rendering"}
_SECONDS_BETWEEN_LINES = 5.0


class BatchProgress(AbstractContextManager):
    """``picture`` is called before each picture and at the end, ``stage`` by whatever works on one."""

    def __init__(self) -> None:
        self._shown_at = time.monotonic()
        self._bars = _bars()
        self._name = ""

    def __enter__(self) -> "BatchProgress":
        if self._bars:
            self._bars.start()
            self._all = self._bars.add_task("pictures", total=None, pace="")
            self._one = self._bars.add_task("", total=None, pace="", visible=False)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bars:
            self._bars.stop()

    def picture(self, tally: "srntt.batch.Tally", name: str) -> None:
        """Show how far the batch is; a good moment to be interrupted, too."""
        raise_if_interrupted()
        self._name = printable(name)
        if self._bars:
            self._bars.update(self._all, completed=tally.finished, total=tally.total, pace=pace(tally))
            self._bars.update(self._one, description=self._name, completed=0, visible=bool(name))
        elif self._due() or not name:
            count = f"{tally.finished} of {tally.total} pictures"
            print(", ".join(filter(None, [count, pace(tally)])), file=sys.stderr, flush=True)

    def stage(self, stage: str, done: int, total: int) -> None:
        """Show how far the picture at hand is; of what is not about one, a line at the end and now and then."""
        raise_if_interrupted()
        if self._bars:
            named = f"{self._name}: {_STAGES.get(stage, stage)}" if self._name else "looking at references"
            self._bars.update(self._one, description=named, completed=done, total=total, visible=True)
        elif not self._name and (self._due() or done == total):
            print(f"looking at references: {done} of {total}", file=sys.stderr, flush=True)

    def _due(self) -> bool:
        if time.monotonic() - self._shown_at < _SECONDS_BETWEEN_LINES:
            return False
        self._shown_at = time.monotonic()
        return True


def pace(tally: "srntt.batch.Tally") -> str:
    """Failures so far, the rate, and the time that is left at that rate; what was skipped took no time."""
    parts = [f"{len(tally.failed)} failed"] if tally.failed else []
    if tally.done and tally.seconds > 0:
        each = tally.seconds / tally.done
        parts.append(f"{each:.1f} s each" if each >= 1 else f"{1 / each:.1f} a second")
        if tally.finished < tally.total:
            parts.append(f"{timedelta(seconds=round(each * (tally.total - tally.finished)))} left")
    return ", ".join(parts)


def _bars() -> "rich.progress.Progress | None":
    if not sys.stderr.isatty():
        return None
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    if console.is_dumb_terminal:
        return None
    description, count = TextColumn("{task.description}", markup=False), TextColumn("{task.fields[pace]}", markup=False)
    return Progress(
        description, BarColumn(), MofNCompleteColumn(), count, TimeElapsedColumn(), console=console, transient=True
    )
