"""Progress on stderr: bars on a terminal, otherwise a line every few seconds."""

import sys
import time
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from srntt.cli._interrupt import raise_if_interrupted

if TYPE_CHECKING:
    import rich.progress

    import srntt.upscale

STAGES = {
    "encode": "reading references",
    "base": "base model",
    "align": "aligning references",
    "match": "matching",
    "render": "rendering",
    "consistent": "back-projecting",
    "survey": "looking at the film",
    "frames": "frames",
    "ensemble": "flips and turns",
    "download": "downloading",
    "index": "reading photographs",
}
_SECONDS_BETWEEN_LINES = 5.0


class Bars(AbstractContextManager):
    """Progress bars on stderr, each followed by a text; without a terminal, a timer for lines.

    On exit, the cursor is on a new line.

    Attributes:
        bars: Bars of rich; None without a terminal.
    """

    def __init__(self, shown: bool = True) -> None:
        self.bars = _bars() if shown else None
        self._tasks: dict[str, rich.progress.TaskID] = {}
        self._shown_at = time.monotonic()

    def __enter__(self):  # of a subclass, too
        if self.bars:
            self.bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.bars:
            self.bars.stop()

    def move(self, bar: str, done: int | float, total: int | float | None, text: str, name: str | None = None) -> None:
        """Update a bar, creating it at first; ``name`` is its label, by default ``bar``."""
        assert self.bars
        shown: dict[str, Any] = {
            "description": bar if name is None else name,
            "completed": done,
            "total": total,
            "text": text,
        }
        if bar in self._tasks:
            self.bars.update(self._tasks[bar], **shown)
        else:
            self._tasks[bar] = self.bars.add_task(**shown)

    def due(self) -> bool:
        """Return whether five seconds have passed since it last did, for lines without a terminal."""
        if time.monotonic() - self._shown_at < _SECONDS_BETWEEN_LINES:
            return False
        self._shown_at = time.monotonic()
        return True


class ProgressOnStderr(Bars):
    """Progress callback, called with (stage, done, total): counts and the remaining time if ``total`` is ``counted`` in
    some unit, percent otherwise.
    """

    def __init__(self, counted: str = "") -> None:
        super().__init__()
        self._counted, self._stage = counted, ""
        self._began_at, self._began_with = 0.0, 0
        self._schedule: srntt.upscale.Schedule | None = None

    def follow(self, schedule: "srntt.upscale.Schedule") -> None:
        """Show the remaining time of the whole work from now on."""
        self._schedule = schedule
        schedule.started()
        if not self.bars:
            print(f"predicted: {duration(schedule.predicted)} for the whole work", file=sys.stderr, flush=True)

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Show the progress of a stage, and raise a pending interrupt."""
        raise_if_interrupted()
        if stage != self._stage:
            self._stage, self._shown_at = stage, time.monotonic()
            self._began_at, self._began_with = self._shown_at, done
        name = STAGES.get(stage, stage)
        if self._schedule:
            self._schedule(stage, done, total)
            if self.bars:
                self.move("whole work", self._schedule.done, 1.0, f"about {duration(self._schedule.left)} left")
        if self.bars:
            self.move(name, done, total, self._how_far(done, total))
        elif self.due() or done >= total:
            print(f"{name}: {self._how_far(done, total)}", file=sys.stderr, flush=True)

    def page(self, number: int, count: int) -> None:
        """Show which page of a file is upscaled next, from 1."""
        if self.bars:
            self.move("pages", number - 1, count, f"{number} of {count}")
        else:
            print(f"page {number} of {count}", file=sys.stderr, flush=True)

    def _how_far(self, done: int, total: int) -> str:
        if not self._counted:
            left = f", about {duration(self._schedule.left)} left" if self._schedule and done < total else ""
            return f"{100 * done // max(total, 1)}%{'' if self.bars else left}"
        return f"{done} of {total} {self._counted}{self._left(done, total)}"

    def _left(self, done: int, total: int) -> str:
        """Return the remaining time at the rate since the stage began, excluding earlier work."""
        if done == total or done == self._began_with:
            return ""
        pace = (time.monotonic() - self._began_at) / (done - self._began_with)
        return f", {timedelta(seconds=round(pace * (total - done)))} left"


def duration(seconds: float) -> str:
    """Format a duration: ``0.4 s``, ``12 s``, ``0:03:20``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    return f"{seconds:.0f} s" if seconds < 120 else str(timedelta(seconds=round(seconds)))


def _bars() -> "rich.progress.Progress | None":
    if not sys.stderr.isatty():
        return None
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(file=sys.stderr)
    if console.is_dumb_terminal:
        return None
    name, text = (TextColumn(f"{{task.{field}}}", markup=False) for field in ("description", "fields[text]"))
    return Progress(name, BarColumn(), text, TimeElapsedColumn(), console=console, transient=True)
