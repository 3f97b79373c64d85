"""A folder of this machine, or one that all machines of a cluster see under this path, to read from and to write to."""

import hashlib
import os
import secrets
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from srntt._files import put_in_place
from srntt._lock import locked
from srntt.batch._listing import Listing, list_folder
from srntt.errors import InputError, OutputError
from srntt.image import Limits, check_output, read_file

STATE_FOLDER = ".srntt-batch"  # among the outputs, for what srntt keeps there
UNFINISHED = f"{STATE_FOLDER}/unfinished"  # where an output is written before it gets its name

Save = Callable[[Path], tuple[str, ...]]
"""Writes a file, and returns what its format could not hold."""


class OutputFile(NamedTuple):
    """A file that a run made.

    Attributes:
        output: its name, relative to the outputs' folder.
        bytes: its size.
        sha256: of its bytes.
    """

    output: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class LocalFolder:
    """A folder by its path. Files have names relative to it, with ``/`` between folders. It can be pickled."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    def locate(self, name: str) -> str:
        """The path of a file."""
        return os.path.join(self.path, name)

    def name_within(self, outer: object) -> str | None:
        """Its name relative to another place: ``.`` for the same one, None if it does not lie there."""
        if not isinstance(outer, LocalFolder):
            return None
        try:
            name = os.path.relpath(os.path.realpath(self.path), os.path.realpath(outer.path)).replace(os.sep, "/")
        except ValueError:  # another drive
            return None
        return None if name.split("/")[0] == ".." else name

    def list_files(self, *, recursive: bool, leave_out: Iterable[object] = ()) -> Listing:
        """What it holds, without what lies in the places to leave out. Raises InputError if it cannot be listed."""
        try:
            local = [place.path for place in leave_out if isinstance(place, LocalFolder)]
            return list_folder(self.path, recursive=recursive, leave_out=local)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise InputError(f"{self.path}: cannot be listed: {reason}. Give a folder of pictures.") from error

    def read(self, name: str, limits: Limits) -> bytes:
        """Read a file whole. Raises PictureError: no regular file, empty, or too large."""
        return read_file(self.locate(name), limits)

    def is_empty_file(self, name: str) -> bool:
        """Whether a regular file is there, without content."""
        file = self.path / name
        return file.is_file() and file.stat().st_size == 0

    def confines(self, name: str) -> bool:
        """Whether a name stays within the folder when links are followed."""
        root, file = os.path.realpath(self.path), os.path.realpath(self.locate(name))
        return os.path.commonpath([root, file]) == root

    @contextmanager
    def hold(self) -> Iterator[str]:
        """Make the folder and lock it, as long as the context lasts; gives a warning for the user, or nothing.

        Raises:
            OutputError: another process has it, or it cannot be written to.
        """
        state, unfinished = self.path / STATE_FOLDER, self.path / UNFINISHED
        if state.is_symlink() or unfinished.is_symlink():  # before anything is made where it leads
            raise OutputError(f"{state}: is a link, where srntt keeps a folder of its own. Remove it.")
        try:
            unfinished.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{self.path}: cannot be written to: {error.strerror}. Give another folder.") from error
        with locked(state / "lock", self.path) as warning:
            yield warning

    def has_state(self) -> bool:
        """Whether an earlier run wrote here."""
        return (self.path / STATE_FOLDER).is_dir()

    def check_output(self, name: str, *, width: int, height: int, alpha: bool, bits: int, cicp: bool = False) -> None:
        """Raise OutputError if the format of a name cannot hold such a picture."""
        check_output(self.locate(name), width=width, height=height, alpha=alpha, bits=bits, cicp=cicp, overwrite=True)

    def is_free(self, name: str, *, replaceable: bool) -> bool:
        """Whether an output may get this name: nothing has it, or a file that may be replaced."""
        try:
            mode = os.lstat(self.locate(name)).st_mode
        except OSError:  # absent, or of a name that writing will refuse
            return True
        return replaceable and (stat.S_ISREG(mode) or stat.S_ISLNK(mode))

    def make_parent(self, name: str) -> None:
        """Make the folder of a file. Raises OutputError."""
        folder = os.path.dirname(self.locate(name))
        if not self.confines(os.path.dirname(name)):
            raise OutputError(f"{self.locate(name)}: the folder is a link that leads out of {self.path}. Remove it.")
        try:
            os.makedirs(os.path.realpath(folder), exist_ok=True)
        except OSError as error:
            raise OutputError(f"{folder}: cannot be made a folder: {error.strerror}.") from error

    def stage(self, suffix: str, save: Save) -> tuple[OutputFile, tuple[str, ...]]:
        """Have a file written under a name that is not final, and what ``save`` returned; any process may."""
        name = f"{UNFINISHED}/{secrets.token_hex(8)}{suffix}"
        notes = save(self.path / name)
        return OutputFile(name, *measured(self.path / name)), notes

    def publish(self, staged: str, name: str, *, replace: bool) -> None:
        """Give a staged file its name. Raises OutputError if another file has it, OSError if it cannot be done."""
        put_in_place(self.locate(staged), self.locate(name), overwrite=replace)

    def is_whole(self, file: OutputFile) -> bool:
        """Whether the file is there, and what it was when it was made."""
        path = self.path / file.output
        try:
            return stat.S_ISREG(os.lstat(path).st_mode) and measured(path) == (file.bytes, file.sha256)
        except OSError:
            return False

    def discard(self, name: str) -> None:
        """Remove a file, if it is there."""
        with suppress(OSError):
            os.unlink(self.locate(name))

    def discard_unfinished(self) -> None:
        """Remove all staged files: what a killed run left."""
        with suppress(OSError):
            for path in (self.path / UNFINISHED).iterdir():
                path.unlink()


def measured(path: Path) -> tuple[int, str]:
    """Size and hash of a file."""
    with open(path, "rb") as file:
        return os.fstat(file.fileno()).st_size, hashlib.file_digest(file, "sha256").hexdigest()
