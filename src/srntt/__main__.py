"""``python -m srntt``: the same as the ``srntt`` command."""

import sys

from srntt.cli import main

if __name__ == "__main__":
    sys.exit(main())
