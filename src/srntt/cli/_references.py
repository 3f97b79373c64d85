"""Expansion of ``--ref``: files, folders and patterns to files without duplicates."""

import glob
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from srntt._files import file_sha256
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
    first: dict[str, Path] = {}
    for file in references:
        first.setdefault(_digest(file), file)
    return tuple(first.values())


def duplicates(references: Sequence[Path], kept: Sequence[Path]) -> tuple[str, ...]:
    """Return a note on duplicates; empty if `unique` kept all references."""
    count = len(references) - len(kept)
    return (f"{count} of {len(references)} references skipped, because their files are duplicates",) if count else ()


def _files(given: Path, picture: Path) -> Iterator[Path]:
    if os.path.isdir(given):  # unlike Path's, it answers for any name
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


def _same(file: Path, other: Path) -> bool:
    with suppress(OSError):
        return file.samefile(other)
    return False


def _digest(file: Path) -> str:
    """Return the hash of a file, or its name if it cannot be read, which opening it will report."""
    with suppress(OSError):
        if file.is_file():  # a pipe would block
            return file_sha256(file)
    return str(file)
