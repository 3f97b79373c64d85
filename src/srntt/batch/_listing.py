"""What lies in a folder: in an order that is the same on every machine, and what could not be listed."""

import os
import posixpath
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from srntt.data import is_picture
from srntt.image import RAW_SUFFIXES


class Failure(NamedTuple):
    """Something that was asked for and cannot be done.

    Attributes:
        name: of a file or folder, relative to the folder that was given.
        reason: a sentence for the user.
    """

    name: str
    reason: str


@dataclass(frozen=True)
class Listing:
    """Files below a folder, hidden ones left out.

    Attributes:
        files: names relative to it, with ``/`` between folders, in order.
        linked: folders that are symbolic links: not followed, for they may lead anywhere, and in circles.
        failures: folders that cannot be read.
    """

    files: tuple[str, ...]
    linked: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()

    @property
    def pictures(self) -> tuple[str, ...]:
        """Those with the suffix of a picture."""
        return tuple(name for name in self.files if is_picture(name))

    @property
    def raw(self) -> tuple[str, ...]:
        """Those with the suffix of a camera's raw file, which is none until it is developed."""
        return tuple(name for name in self.files if posixpath.splitext(name)[1].lower() in RAW_SUFFIXES)


def list_folder(root: Path, *, recursive: bool, leave_out: Sequence[Path] = ()) -> Listing:
    """List a folder of this machine; what cannot be read below it is reported.

    Args:
        root: the folder; itself, it may be a symbolic link.
        recursive: look below it, too.
        leave_out: folders that are passed over wherever they appear; they need not exist.

    Raises:
        OSError, ValueError: no such folder, or it cannot be read.
    """
    passed_over = {_identity(place) for place in leave_out} - {None}
    files, linked, failures, pending = [], [], [], [""]
    while pending:  # a loop, not a recursion: folders may be nested deeper than Python's stack
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
    """Sorted, folder by folder."""
    return tuple(sorted(names, key=lambda name: name.split("/")))


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads in circles: whoever opens it will report it
        return False


def _identity(path: str | Path) -> tuple[int, int] | None:
    """The same for a folder whatever it is called; None if it is not there."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino
