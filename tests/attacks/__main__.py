"""Runs every attack, and prints the outcomes (make attacks; arguments select attacks by name).

python -m attacks [--list] [PART OF A NAME ...]
"""

import sys
from collections.abc import Sequence

from attacks.arena import faults, open_arena
from attacks.attack import Attack, Outcome
from attacks.page import PageAttack
from attacks.registry import FAMILIES

Tried = tuple[Attack | PageAttack, Outcome, list[str]]


def main(arguments: Sequence[str]) -> int:
    """Return the exit code: 1 if an attack achieved something that is not a known issue."""
    parts = [part for part in arguments if part != "--list"]
    chosen = {
        family: [attack for attack in attacks if not parts or any(part in attack.name for part in parts)]
        for family, attacks in FAMILIES.items()
    }
    if "--list" in arguments:
        print(*(f"{a.name}: {a.about}" for attacks in chosen.values() for a in attacks), sep="\n")
        return 0
    tried: dict[str, list[Tried]] = {}
    with open_arena() as arena:
        for family, attacks in chosen.items():
            tried[family] = []
            for attack in attacks:
                outcome = arena.run(attack)
                tried[family].append((attack, outcome, faults(attack, outcome)))
                print(f"\r{attack.name[:60]:60}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    print(*_table(tried), sep="\n")
    achieved = [item for items in tried.values() for item in items if item[2]]
    for attack, _, wrong in achieved:
        print(f"\n{attack.name}{f' (known: {attack.known})' if attack.known else ''}:", *wrong, sep="\n  ")
    return 1 if any(not attack.known for attack, _, _ in achieved) else 0


def _table(tried: dict[str, list[Tried]]) -> list[str]:
    head = "| family | attacks tried | refused | harmless, done | achieved something | most CPU seconds | most MiB |"
    rows = [_row(family, items) for family, items in tried.items() if items]
    whole = [item for items in tried.values() for item in items]
    return [head, "|---|---|---|---|---|---|---|", *rows, *([_row("all", whole)] if len(rows) > 1 else [])]


def _row(family: str, items: Sequence[Tried]) -> str:
    good = [(attack, outcome) for attack, outcome, wrong in items if not wrong]
    refused = sum(attack.code != 0 for attack, _ in good)
    seconds, mib = (max((getattr(outcome, name) for _, outcome in good), default=0) for name in ("seconds", "mib"))
    counts = f"{len(items)} | {refused} | {len(good) - refused} | {len(items) - len(good)}"
    return f"| {family} | {counts} | {seconds:.1f} | {mib:.0f} |"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
