"""What follows ``--ref``: files, folders of them and patterns become files, each of them once."""

import glob
import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from srntt.errors import InputError


def expanded(given: Sequence[Path], picture: Path) -> tuple[Path, ...]:
    """Files, in the order given; a folder stands for the pictures in it, a pattern such as ``*.jpg`` for what it finds.

    Args:
        given: files, folders and patterns. A shell usually expands patterns itself; Windows and quotes leave them.
        picture: the small one, which is left out of folders and patterns.

    Raises:
        InputError: a folder without pictures, or a pattern that finds nothing.
    """
    return tuple(file for one in given for file in _files(one, picture))


def unique(references: Sequence[Path]) -> tuple[Path, ...]:
    """Those whose bytes no earlier one has, in order."""
    if len(references) < 2:
        return tuple(references)
    first: dict[bytes | str, Path] = {}
    for file in references:
        first.setdefault(_digest(file), file)
    return tuple(first.values())


def duplicates(references: Sequence[Path]) -> tuple[str, ...]:
    """A note on the others; nothing where there are none."""
    count = len(references) - len(unique(references))
    return (f"{count} of {len(references)} references left out: their files are equal to others",) if count else ()


def _files(given: Path, picture: Path) -> Iterator[Path]:
    if given.is_dir():
        from srntt.data import pictures_in

        found = list(pictures_in(given, "Give a folder of sharp pictures, or the pictures.").values())
        nothing = f"--ref {given}: this folder has no pictures (its subfolders do not count)."
    elif glob.has_magic(str(given)) and not os.path.lexists(given):
        found = [Path(name) for name in sorted(glob.glob(str(given)))]
        nothing = f"--ref {given}: nothing is called so. Check the spelling and the folder."
    else:
        yield given
        return
    others = [file for file in found if not _same(file, picture)]
    if not others:
        raise InputError(nothing)
    yield from others


def _same(file: Path, other: Path) -> bool:
    try:
        return file.samefile(other)
    except OSError:
        return False


def _digest(file: Path) -> bytes | str:
    """Of its content, or its name if it cannot be read, which is reported where it is opened."""
    try:
        if not file.is_file():
            return str(file)
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").digest()
    except OSError:
        return str(file)
