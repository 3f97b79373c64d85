"""Progress of a training run: lines of its log as text, and a bar on a terminal."""

import json
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from srntt.cli._progress import Bars

if TYPE_CHECKING:
    import srntt.train

_SCORES = {"first": "first reference", "all": "all", "unrelated": "unrelated", "none": "none"}
_NOT_TERMS = {"step", "minutes", "rate", *_SCORES}


class TrainProgress(Bars):
    """Progress of a training run; lines of the log are printed as text, or as JSON."""

    def __init__(self, schedule: "srntt.train.Schedule", as_json: bool) -> None:
        super().__init__(shown=not as_json)
        self._schedule, self._as_json = schedule, as_json

    def moved(self, share: float) -> None:
        """Update the bar, after each step."""
        if self.bars:
            self.move("training", share, 1, f"{share:.0%}")

    def logged(self, entry: dict[str, int | float]) -> None:
        """Print a line of the log, at each checkpoint."""
        text = json.dumps(entry) if self._as_json else in_words(entry, self._schedule)
        if self.bars:
            self.bars.console.print(text, markup=False, highlight=False)
        else:
            print(text, file=sys.stderr, flush=True)


def share_done(entry: dict[str, Any], schedule: "srntt.train.Schedule") -> float:
    """Return the completed fraction of the run, 0..1, by steps or by its time limit."""
    by_time = entry.get("minutes", 0.0) / schedule.minutes if schedule.minutes else 0.0
    return min(1.0, max(entry["step"] / schedule.steps, by_time))


def in_words(entry: dict[str, Any], schedule: "srntt.train.Schedule") -> str:
    """Format a line of the log: progress, the terms of the loss, and the validation scores."""
    done, minutes = share_done(entry, schedule), entry.get("minutes", 0.0)
    by_time = done > entry["step"] / schedule.steps  # the time limit ends the run, at an unknown step
    head = [
        f"step {entry['step']:,}{'' if by_time else f' of {schedule.steps:,}'} ({done:.0%})",
        f"{minutes:.{0 if minutes >= 10 else 1}f} min",
    ]
    if 0 < done < 1 and minutes:
        head.append(f"{timedelta(seconds=round(60 * minutes * (1 - done) / done))} left")
    terms = [f"{name.replace('_', ' ')} {value:.4g}" for name, value in entry.items() if name not in _NOT_TERMS]
    scores = [f"{label} {entry[name]:.2f}" for name, label in _SCORES.items() if name in entry]
    parts = [", ".join(head), ", ".join(terms), f"PSNR-Y {', '.join(scores)}" if scores else ""]
    return "; ".join(filter(None, parts))
