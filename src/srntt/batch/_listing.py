"""What lies in a folder: a list that is the same on every machine, and what could not be listed."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from srntt.batch._place import Place, Remote, inside, said_of
from srntt.errors import InputError

#: Of files that claim to be pictures; what a file really is, its content says when it is read.
SUFFIXES = frozenset(
    (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".tif", ".tiff", ".bmp", ".avif", ".heic", ".heif", ".jxl")
)


class Problem(NamedTuple):
    """Something that was asked for and cannot be done.

    Attributes:
        name: of a file or folder, relative to the folder that was given.
        reason: a sentence for people.
    """

    name: str
    reason: str


@dataclass(frozen=True)
class Listing:
    """Files below a folder, hidden ones left out.

    Attributes:
        files: names relative to it, with ``/`` between folders, in order.
        linked: folders that are symbolic links: not looked into, for they may lead anywhere, and in circles.
        problems: folders that cannot be read.
    """

    files: tuple[str, ...]
    linked: tuple[str, ...]
    problems: tuple[Problem, ...]

    @property
    def pictures(self) -> tuple[str, ...]:
        """Those whose names claim so."""
        return tuple(name for name in self.files if is_picture(name))


def is_picture(name: str) -> bool:
    """True if the suffix is that of a picture."""
    return os.path.splitext(name)[1].lower() in SUFFIXES


def list_folder(root: Place, *, recursive: bool, leave_out: Iterable[Place] = ()) -> Listing:
    """List a folder. What cannot be read below it is a problem, not an end.

    Args:
        root: the folder; itself, it may be a symbolic link.
        recursive: look below it, too.
        leave_out: folders that are passed over wherever they appear; they need not exist.

    Raises:
        InputError: no such folder, or it cannot be read.
    """
    if isinstance(root, Remote):
        return _list_remote(root, recursive, [name for name in (inside(place, root) for place in leave_out) if name])
    local = [path for path in leave_out if not isinstance(path, Remote)]
    walk = _Walk(recursive, frozenset(filter(None, map(_identity, local))))
    try:
        walk.enter(os.fspath(root), "")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(f"{root}: cannot be listed: {reason}. Give a folder of pictures.") from error
    return Listing(tuple(sorted(walk.files, key=_in_order)), tuple(sorted(walk.linked)), tuple(sorted(walk.problems)))


def _list_remote(root: Remote, recursive: bool, leave_out: list[str]) -> Listing:
    """Object stores have no folders to be read, or links: what is there comes in one list."""
    with said_of(root, InputError, "cannot be listed"):
        found: dict = root.files.find(root.path, maxdepth=None if recursive else 1, detail=True)  # pyright: ignore
    start = len(root.path.rstrip("/")) + 1
    names = [path[start:] for path, about in found.items() if about.get("type") == "file"]
    visible = [name for name in names if name and not any(part.startswith(".") for part in name.split("/"))]
    kept = [name for name in visible if not any(name.startswith(f"{folder}/") for folder in leave_out)]
    return Listing(tuple(sorted(kept, key=_in_order)), (), ())


@dataclass
class _Walk:
    recursive: bool
    leave_out: frozenset[tuple[int, int]]
    files: list[str] = field(default_factory=list)
    linked: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def enter(self, root: str, prefix: str) -> None:
        pending = [prefix]
        while pending:  # a loop, not a recursion: folders may be nested deeper than Python's stack
            inner = pending.pop()
            try:
                with os.scandir(os.path.join(root, inner)) as entries:
                    pending += self._folders(entries, inner)
            except OSError as error:
                if not inner:
                    raise
                self.problems.append(Problem(inner, f"the folder cannot be read: {error.strerror}."))

    def _folders(self, entries: Iterable[os.DirEntry], prefix: str) -> Iterator[str]:
        for entry in entries:
            name = f"{prefix}/{entry.name}" if prefix else entry.name
            if entry.name.startswith("."):
                continue
            if not _is_folder(entry):
                self.files.append(name)
            elif not self.recursive or _identity(entry.path) in self.leave_out:
                continue
            elif entry.is_symlink():
                self.linked.append(name)
            else:
                yield name


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads in circles: whoever opens it will say so
        return False


def _identity(path: str | Path) -> tuple[int, int] | None:
    """What tells a folder whatever it is called; None if it is not there."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def _in_order(name: str) -> list[str]:
    return name.split("/")
