"""What is in a folder of pictures, read with suspicion: what is no picture, or no file, is named."""

import os
from collections.abc import Iterable
from pathlib import Path

from srntt.errors import InputError
from srntt.image import PICTURE_SUFFIXES

_MOST_NAMED = 6


def is_picture(name: str | os.PathLike[str]) -> bool:
    """Whether a file's suffix is that of a picture.

    >>> is_picture("photos/sharp.JPG"), is_picture("index.json")
    (True, False)
    """
    return os.path.splitext(name)[1].lower() in PICTURE_SUFFIXES


def pictures_in(folder: Path, advice: str) -> dict[str, Path]:
    """Picture files by name, in order. Hidden files, and files that do not claim to be pictures, are passed over.

    Args:
        folder: to look into, not below it.
        advice: appended to what is wrong: what the folder should be, and where it is published.

    Raises:
        InputError: no such folder, it cannot be read, or something in it has a picture's name and is no file.
    """
    entries = sorted(_listed(folder, advice), key=lambda path: path.name)
    named = [path for path in entries if is_picture(path) and not path.name.startswith(".")]
    if odd := [path.name for path in named if not path.is_file() or not path.name.isprintable()]:
        raise InputError(f"{folder}: {listed(odd)} cannot be read as a file. {advice}")
    return {path.name: path for path in named}


def folders_in(folder: Path, advice: str) -> dict[str, Path]:
    """Folders by name, in order; hidden ones are passed over. Raises as `pictures_in`."""
    entries = sorted(_listed(folder, advice), key=lambda path: path.name)
    return {path.name: path for path in entries if path.is_dir() and not path.name.startswith(".")}


def listed(names: Iterable[str]) -> str:
    """Up to six of them, and how many more there are."""
    found = list(names)
    more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
    return ", ".join(repr(name)[1:-1] for name in found[:_MOST_NAMED]) + more


def _listed(folder: Path, advice: str) -> list[Path]:
    try:
        if not folder.is_dir():
            raise InputError(f"There is no folder {folder}. {advice}")
        return list(folder.iterdir())
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{folder} cannot be read: {error}. {advice}") from error
