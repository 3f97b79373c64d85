"""Local folder for inputs and outputs, or one that all machines of a cluster share under the same path."""

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
from srntt.data import Listing, list_folder
from srntt.errors import InputError, OutputError
from srntt.image import Limits, check_output, read_file

STATE_FOLDER = ".srntt-batch"  # in the output folder, for the state of the batch
UNFINISHED = f"{STATE_FOLDER}/unfinished"  # for outputs without their final names

Save = Callable[[Path], tuple[str, ...]]
"""Function that writes a file and returns notes on what its format could not represent."""


class OutputFile(NamedTuple):
    """File written by a run, by its name relative to the output folder, with size and hash of its content."""

    output: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class LocalFolder:
    """Folder given by its path. File names are relative to it, with ``/`` as separator. Instances can be pickled."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    def locate(self, name: str) -> str:
        """Return the path of a file."""
        return os.path.join(self.path, name)

    def name_within(self, outer: object) -> str | None:
        """Return the name relative to another place: ``.`` for the same place, None if it is outside."""
        if not isinstance(outer, LocalFolder):
            return None
        try:
            name = os.path.relpath(os.path.realpath(self.path), os.path.realpath(outer.path)).replace(os.sep, "/")
        except ValueError:  # another drive
            return None
        return None if name.split("/")[0] == ".." else name

    def list_files(self, *, recursive: bool, leave_out: Iterable[object] = ()) -> Listing:
        """List the files outside the places to leave out; raise InputError if the folder cannot be listed."""
        try:
            local = [place.path for place in leave_out if isinstance(place, LocalFolder)]
            return list_folder(self.path, recursive=recursive, leave_out=local)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise InputError(f"{self.path}: cannot be listed: {reason}. Give a folder of pictures.") from error

    def read(self, name: str, limits: Limits) -> bytes:
        """Read a file; raise PictureError if it is not a regular file, is empty or is too large."""
        return read_file(self.locate(name), limits)

    def is_empty_file(self, name: str) -> bool:
        """Return whether a file is a regular file of zero bytes."""
        file = self.path / name
        return file.is_file() and file.stat().st_size == 0

    def confines(self, name: str) -> bool:
        """Return whether a name is within the folder after resolving links."""
        root, file = os.path.realpath(self.path), os.path.realpath(self.locate(name))
        return os.path.commonpath([root, file]) == root

    @contextmanager
    def hold(self) -> Iterator[str]:
        """Create the folder if necessary, and lock it within the context; yields a warning for the user, or "".

        Raises:
            OutputError: Another process holds the lock, or the folder cannot be written to.
        """
        state, unfinished = self.path / STATE_FOLDER, self.path / UNFINISHED
        if state.is_symlink() or unfinished.is_symlink():  # before anything is created through it
            raise OutputError(f"{state}: is a link, but srntt needs a folder of this name. Remove it.")
        try:
            unfinished.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{self.path}: cannot be written to: {error.strerror}. Give another folder.") from error
        with locked(state / "lock", self.path) as warning:
            yield warning

    def has_state(self) -> bool:
        """Return whether an earlier run wrote to this folder."""
        return (self.path / STATE_FOLDER).is_dir()

    def check_output(self, name: str, *, width: int, height: int, alpha: bool, bits: int, cicp: bool = False) -> None:
        """Raise OutputError if the format of a file name cannot represent such a picture."""
        check_output(self.locate(name), width=width, height=height, alpha=alpha, bits=bits, cicp=cicp, overwrite=True)

    def is_free(self, name: str, *, replaceable: bool) -> bool:
        """Return whether an output may have this name: it is unused, or its file may be replaced."""
        try:
            mode = os.lstat(self.locate(name)).st_mode
        except OSError:  # absent, or an invalid name that writing will report
            return True
        return replaceable and (stat.S_ISREG(mode) or stat.S_ISLNK(mode))

    def make_parent(self, name: str) -> None:
        """Create the folder of a file; raise OutputError on failure."""
        folder = os.path.dirname(self.locate(name))
        if not self.confines(os.path.dirname(name)):
            raise OutputError(f"{self.locate(name)}: the folder is a link to a place outside {self.path}. Remove it.")
        try:
            os.makedirs(os.path.realpath(folder), exist_ok=True)
        except OSError as error:
            raise OutputError(f"{folder}: the folder cannot be created: {error.strerror}.") from error

    def stage(self, suffix: str, save: Save) -> tuple[OutputFile, tuple[str, ...]]:
        """Write a file under a temporary name, from any process; return it with the notes of ``save``."""
        name = f"{UNFINISHED}/{secrets.token_hex(8)}{suffix}"
        notes = save(self.path / name)
        return OutputFile(name, *measured(self.path / name)), notes

    def publish(self, staged: str, name: str, *, replace: bool) -> None:
        """Rename a staged file; raise OutputError if another file has the name, OSError if renaming fails."""
        put_in_place(self.locate(staged), self.locate(name), overwrite=replace)

    def is_whole(self, file: OutputFile) -> bool:
        """Return whether the file exists and is unchanged since it was written."""
        path = self.path / file.output
        try:
            return stat.S_ISREG(os.lstat(path).st_mode) and measured(path) == (file.bytes, file.sha256)
        except OSError:
            return False

    def discard(self, name: str) -> None:
        """Remove a file if it exists."""
        with suppress(OSError):
            os.unlink(self.locate(name))

    def discard_unfinished(self) -> None:
        """Remove all staged files, left by a killed run."""
        with suppress(OSError):
            for path in (self.path / UNFINISHED).iterdir():
                path.unlink()


def measured(path: Path) -> tuple[int, str]:
    """Return size and SHA-256 of a file."""
    with open(path, "rb") as file:
        return os.fstat(file.fileno()).st_size, hashlib.file_digest(file, "sha256").hexdigest()
