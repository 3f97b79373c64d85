"""Listing of folders, in an order that is the same on every machine; what cannot be read is reported by name."""

import os
import posixpath
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from srntt.errors import InputError
from srntt.image import PICTURE_SUFFIXES, RAW_SUFFIXES

_MOST_NAMED = 6


def is_picture(name: str | os.PathLike[str]) -> bool:
    """Return whether a file has the suffix of a picture format.

    >>> is_picture("photos/sharp.JPG"), is_picture("index.json")
    (True, False)
    """
    return os.path.splitext(name)[1].lower() in PICTURE_SUFFIXES


class Failure(NamedTuple):
    """File or folder that could not be processed.

    Attributes:
        name: Name relative to the folder given.
        reason: Sentence for the user.
    """

    name: str
    reason: str


@dataclass(frozen=True)
class Listing:
    """Files in a folder, without hidden ones.

    Attributes:
        files: Names relative to the folder, with ``/`` as separator, sorted.
        linked: Folders that are symbolic links. They are not followed, since they may lead elsewhere or form cycles.
        failures: Folders that cannot be read.
    """

    files: tuple[str, ...]
    linked: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()

    @property
    def pictures(self) -> tuple[str, ...]:
        """Files with the suffix of a picture format."""
        return tuple(name for name in self.files if is_picture(name))

    @property
    def raw(self) -> tuple[str, ...]:
        """Files with the suffix of a camera's raw format, which have to be developed first."""
        return tuple(name for name in self.files if posixpath.splitext(name)[1].lower() in RAW_SUFFIXES)


def list_folder(root: Path, *, recursive: bool, leave_out: Sequence[Path] = ()) -> Listing:
    """List a local folder, which may be a symbolic link; subfolders that cannot be read are reported in the result.

    Folders to leave out are skipped wherever they appear; they may not exist.

    Raises:
        OSError, ValueError: The folder does not exist or cannot be read.
    """
    passed_over = {_identity(place) for place in leave_out} - {None}
    files, linked, failures, pending = [], [], [], [""]
    while pending:  # iterative: folders may be nested deeper than Python's recursion limit
        inner = pending.pop()
        try:
            with os.scandir(os.path.join(root, inner)) as entries:
                found = [entry for entry in entries if not entry.name.startswith(".")]
        except OSError as error:
            if not inner:
                raise
            failures.append(Failure(inner, f"the folder cannot be read: {error.strerror}."))
            continue
        for entry in found:
            name = f"{inner}/{entry.name}" if inner else entry.name
            if not _is_folder(entry):
                files.append(name)
            elif recursive and _identity(entry.path) not in passed_over:
                (linked if entry.is_symlink() else pending).append(name)
    return Listing(in_order(files), in_order(linked), tuple(sorted(failures)))


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Sort names, folder by folder."""
    return tuple(sorted(names, key=lambda name: name.split("/")))


def pictures_in(folder: Path, advice: str) -> dict[str, Path]:
    """List the picture files of a folder by name, sorted. Hidden files and files of other types are ignored.

    Args:
        folder: Folder to list; subfolders are not searched.
        advice: Appended to error messages: the expected content, and where it is published.

    Raises:
        InputError: The folder does not exist or cannot be read, or an entry is named like a picture but is not a file.
    """
    named = [path for path in _entries(folder, advice) if is_picture(path)]
    if odd := [path.name for path in named if not path.is_file() or not path.name.isprintable()]:
        raise InputError(f"{folder}: {listed(odd)} cannot be read as a file. {advice}")
    return {path.name: path for path in named}


def folders_in(folder: Path, advice: str) -> dict[str, Path]:
    """List the subfolders of a folder by name, sorted, without hidden ones; raises like `pictures_in`."""
    return {path.name: path for path in _entries(folder, advice) if path.is_dir()}


def listed(names: Iterable[str]) -> str:
    """Join up to six names, followed by the number of further ones."""
    found = list(names)
    more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
    return ", ".join(repr(name)[1:-1] for name in found[:_MOST_NAMED]) + more


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a cyclic link: opening it reports the error
        return False


def _identity(path: str | Path) -> tuple[int, int] | None:
    """Return an identifier of a folder that is independent of its path; None if it does not exist."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def _entries(folder: Path, advice: str) -> list[Path]:
    """List the entries of a folder that are not hidden, sorted by name."""
    try:
        return sorted((path for path in folder.iterdir() if path.name[0] != "."), key=lambda path: path.name)
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"The folder {folder} does not exist. {advice}") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{folder} cannot be read: {error}. {advice}") from error
