"""References given twice count once: more copies of one picture are no more to choose from."""

import hashlib
from collections.abc import Sequence
from pathlib import Path


def unique(references: Sequence[Path]) -> tuple[Path, ...]:
    """Those whose bytes no earlier one has, in order."""
    if len(references) < 2:
        return tuple(references)
    first: dict[bytes | str, Path] = {}
    for file in references:
        first.setdefault(_digest(file), file)
    return tuple(first.values())


def duplicates(references: Sequence[Path]) -> tuple[str, ...]:
    """What is to be known of the others; nothing where there are none."""
    count = len(references) - len(unique(references))
    return (f"{count} of {len(references)} references left out: their files are equal to others",) if count else ()


def _digest(file: Path) -> bytes | str:
    """Of its content, or its name if it cannot be read: whoever opens it will say why."""
    try:
        if not file.is_file():
            return str(file)
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").digest()
    except OSError:
        return str(file)
