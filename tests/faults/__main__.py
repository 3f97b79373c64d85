"""Injects every fault, and prints the outcome (make faults; arguments select faults by parts of their names).

python -m faults [--list] [--quick] [--json] [PART OF A NAME ...]
"""

import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from faults.children import import_everything
from faults.fault import CannotError, Fault, Ground
from faults.registry import FAULTS


@dataclass
class Tally:
    """The outcome of all injections of a fault."""

    name: str
    about: str
    times: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    skipped: str = ""
    seconds: float = 0.0

    def row(self) -> str:
        """A row of the table."""
        outcome = "; ".join(f"{count} {what}" for what, count in self.outcomes.most_common()) or f"not: {self.skipped}"
        return f"| {self.name} | {self.about} | {self.times} | {outcome} | {len(self.lost) or 'none'} |"


def main(arguments: Sequence[str]) -> int:
    """Return the exit code: 1 if anything was lost."""
    parts = [part for part in arguments if not part.startswith("--")]
    quick = "--quick" in arguments
    chosen = [fault for fault in FAULTS if not parts or any(part in fault.name for part in parts)]
    if "--list" in arguments:
        print(*(f"{fault.name}: {fault.about}" for fault in chosen), sep="\n")
        return 0
    import_everything()
    tallies = []
    with tempfile.TemporaryDirectory(prefix="faults-") as root:
        ground = Ground(Path(root))
        for fault in chosen:
            if count := fault.quick if quick else fault.full:
                tallies.append(tally := _injected(fault, count, ground))
                print(f"{tally.name}: {tally.times}, lost {len(tally.lost)}, {tally.seconds:.1f} s", file=sys.stderr)
    if "--json" in arguments:
        print(json.dumps([vars(tally) for tally in tallies]))
    else:
        print(*_table(tallies), sep="\n")
    return 1 if any(tally.lost for tally in tallies) else 0


def _injected(fault: Fault, count: int, ground: Ground) -> Tally:
    tally, began = Tally(fault.name, fault.about), time.monotonic()
    try:
        for trial in fault.inject(ground, count):
            tally.times += 1
            tally.outcomes["lost something" if trial.lost else trial.outcome] += 1
            tally.lost += trial.lost
    except CannotError as error:
        tally.skipped = str(error)
    tally.seconds = time.monotonic() - began
    return tally


def _table(tallies: Sequence[Tally]) -> list[str]:
    total, lost = sum(tally.times for tally in tallies), sum(len(tally.lost) for tally in tallies)
    lines = ["| fault | what | injected | outcome | data lost |", "|---|---|---|---|---|"]
    lines += [tally.row() for tally in tallies]
    lines.append(f"| all | {len(tallies)} faults | {total} | | {lost or 'none'} |")
    return lines + [f"\n{tally.name}: {text}" for tally in tallies for text in tally.lost]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
