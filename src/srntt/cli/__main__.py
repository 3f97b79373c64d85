"""``python -m srntt.cli``: the same as the ``srntt`` command."""

import sys

from srntt.cli._main import main

if __name__ == "__main__":
    sys.exit(main())
