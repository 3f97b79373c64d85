"""Load test of the page with many visitors; prints the outcome of their requests (make load).

    LOAD_SECONDS=120 LOAD_CLIENTS=50 python -m load

Exit code 1 if anything was lost, broken, given to the wrong visitor, left behind, or grew without end. Linux.
"""

import os
import sys

from load.run import load, table


def main() -> int:
    """Return the exit code."""
    seconds, clients = float(os.environ.get("LOAD_SECONDS", "120")), int(os.environ.get("LOAD_CLIENTS", "50"))
    held = load(clients, seconds)
    print(*table(held), sep="\n")
    wrong = held.wrong()
    print(*wrong[:50], sep="\n", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
