"""Mixed work for some minutes: memory, descriptors, threads, temporary files and disk must stay flat (make soak).

    MINUTES=10 python -m soak

Exit code 1 if anything grew or failed. Without the extra demo the page is left out. Linux.
"""

import os
import sys

from soak.run import soak, table


def main() -> int:
    """Return the exit code."""
    held = soak(float(os.environ.get("MINUTES", "10")))
    print(*table(held), sep="\n")
    grown = held.grown()
    print(*grown, sep="\n", file=sys.stderr)
    return 1 if grown else 0


if __name__ == "__main__":
    sys.exit(main())
