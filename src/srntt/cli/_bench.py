"""``srntt bench``: figures of this machine."""

from srntt.cli._exit import Exit
from srntt.cli._options import Json


def match(*, json: Json = False) -> int:
    """Measure how fast references are searched here."""
    return Exit.DONE
