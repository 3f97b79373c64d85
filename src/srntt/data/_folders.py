"""Listing of picture folders; entries that are not readable files are reported by name."""

import os
from collections.abc import Iterable
from pathlib import Path

from srntt.errors import InputError
from srntt.image import PICTURE_SUFFIXES

_MOST_NAMED = 6


def is_picture(name: str | os.PathLike[str]) -> bool:
    """Return whether a file has the suffix of a picture format.

    >>> is_picture("photos/sharp.JPG"), is_picture("index.json")
    (True, False)
    """
    return os.path.splitext(name)[1].lower() in PICTURE_SUFFIXES


def pictures_in(folder: Path, advice: str) -> dict[str, Path]:
    """List the picture files of a folder by name, sorted. Hidden files and files of other types are ignored.

    Args:
        folder: Folder to list; subfolders are not searched.
        advice: Appended to error messages: the expected content, and where it is published.

    Raises:
        InputError: The folder does not exist or cannot be read, or an entry is named like a picture but is not a file.
    """
    entries = sorted(_listed(folder, advice), key=lambda path: path.name)
    named = [path for path in entries if is_picture(path) and not path.name.startswith(".")]
    if odd := [path.name for path in named if not path.is_file() or not path.name.isprintable()]:
        raise InputError(f"{folder}: {listed(odd)} cannot be read as a file. {advice}")
    return {path.name: path for path in named}


def folders_in(folder: Path, advice: str) -> dict[str, Path]:
    """List the subfolders of a folder by name, sorted, without hidden ones; raises like `pictures_in`."""
    entries = sorted(_listed(folder, advice), key=lambda path: path.name)
    return {path.name: path for path in entries if path.is_dir() and not path.name.startswith(".")}


def listed(names: Iterable[str]) -> str:
    """Join up to six names, followed by the number of further ones."""
    found = list(names)
    more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
    return ", ".join(repr(name)[1:-1] for name in found[:_MOST_NAMED]) + more


def _listed(folder: Path, advice: str) -> list[Path]:
    try:
        if not folder.is_dir():
            raise InputError(f"The folder {folder} does not exist. {advice}")
        return list(folder.iterdir())
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{folder} cannot be read: {error}. {advice}") from error
