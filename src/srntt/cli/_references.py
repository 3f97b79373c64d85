"""Expansion of ``--ref``: files, folders and patterns to files without duplicates."""

import glob
import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from srntt.errors import InputError


def expanded(given: Sequence[Path], picture: Path) -> tuple[Path, ...]:
    """Expand folders to the pictures in them, and patterns such as ``*.jpg``, in the order given, without the low-res
    picture itself. Shells usually expand patterns, but not on Windows or in quotes.

    Raises:
        InputError: A folder contains no pictures, or a pattern matches nothing.
    """
    return tuple(file for one in given for file in _files(one, picture))


def unique(references: Sequence[Path]) -> tuple[Path, ...]:
    """Remove files whose content equals that of an earlier one."""
    if len(references) < 2:
        return tuple(references)
    first: dict[bytes | str, Path] = {}
    for file in references:
        first.setdefault(_digest(file), file)
    return tuple(first.values())


def duplicates(references: Sequence[Path], kept: Sequence[Path]) -> tuple[str, ...]:
    """Return a note on duplicates; empty if `unique` kept all references."""
    count = len(references) - len(kept)
    return (f"{count} of {len(references)} references skipped, because their files are duplicates",) if count else ()


def _files(given: Path, picture: Path) -> Iterator[Path]:
    if _is_folder(given):
        from srntt.data import pictures_in

        found = list(pictures_in(given, "Give a folder of sharp pictures, or the pictures.").values())
        nothing = f"--ref {given}: this folder contains no pictures (subfolders are not searched)."
    elif glob.has_magic(str(given)) and not os.path.lexists(given):
        found = [Path(name) for name in sorted(glob.glob(str(given)))]
        nothing = f"--ref {given}: nothing matches. Check the spelling and the folder."
    else:
        yield given
        return
    others = [file for file in found if not _same(file, picture)]
    if not others:
        raise InputError(nothing)
    yield from others


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # such as a name that is too long, which opening it will report
        return False


def _same(file: Path, other: Path) -> bool:
    try:
        return file.samefile(other)
    except OSError:
        return False


def _digest(file: Path) -> bytes | str:
    """Return the hash of a file, or its name if it cannot be read, which opening it will report."""
    try:
        if not file.is_file():
            return str(file)
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").digest()
    except OSError:
        return str(file)
