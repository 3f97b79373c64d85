"""Progress of a batch on stderr: count, rate and remaining time."""

import sys
from datetime import timedelta
from typing import TYPE_CHECKING

from srntt.cli._interrupt import raise_if_interrupted
from srntt.cli._progress import STAGES, Bars
from srntt.cli._say import printable

if TYPE_CHECKING:
    import srntt.batch


class BatchProgress(Bars):
    """``picture`` is called before each picture and at the end, ``stage`` by whatever works on one."""

    _name = ""

    def picture(self, tally: "srntt.batch.Tally", name: str) -> None:
        """Show the progress of the batch, and raise a pending interrupt."""
        raise_if_interrupted()
        self._name = printable(name)
        count = ", ".join(filter(None, [f"{tally.finished} of {tally.total} pictures finished", pace(tally)]))
        if self.bars:
            self.move("pictures", tally.finished, tally.total, count)
            self.move("one", 0, None, "", self._name)
        elif self.due() or not name:
            print(count, file=sys.stderr, flush=True)

    def stage(self, stage: str, done: int, total: int) -> None:
        """Show the progress of the current picture, or of describing the references."""
        raise_if_interrupted()
        if self.bars:
            named = f"{self._name}: {STAGES.get(stage, stage)}" if self._name else "looking at references"
            self.move("one", done, total, "", named)
        elif not self._name and (self.due() or done == total):
            print(f"looking at references: {done} of {total}", file=sys.stderr, flush=True)


def speed(tally: "srntt.batch.Tally") -> str:
    """Return the rate, in the unit that has digits to show; some picture must be done."""
    each = tally.seconds / tally.done
    return f"{each:.1f} s for each picture" if each >= 1 else f"{1 / each:.1f} pictures a second"


def pace(tally: "srntt.batch.Tally") -> str:
    """Return the failures so far, the rate, and the remaining time; skipped pictures are not counted."""
    parts = [f"{len(tally.failed)} failed"] if tally.failed else []
    if tally.done and tally.seconds > 0:
        each = tally.seconds / tally.done
        parts.append(speed(tally))
        if tally.finished < tally.total:
            parts.append(f"{timedelta(seconds=round(each * (tally.total - tally.finished)))} left")
    return ", ".join(parts)
