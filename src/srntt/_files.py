"""Whole files or none: what srntt writes is written under another name first, flushed to disk and renamed."""

import errno
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from srntt.errors import OutputError, SrnttError

_unfinished: set[str] = set()
_LEFTOVER = re.compile(r"\.srntt-[0-9a-f]{16}\.part")


@contextmanager
def whole_file(path: str | os.PathLike, *, overwrite: bool) -> Iterator[BinaryIO]:
    """A file to write into, which gets its name once the block has ended without an error.

    On any error, and on Ctrl-C, nothing is left. Symbolic links are replaced, not followed.

    Args:
        path: of the file; its folder must exist.
        overwrite: replace what is there, also if it appears meanwhile.

    Raises:
        OutputError: it exists and ``overwrite`` is off, or whatever went wrong in the block, unless that was an
            SrnttError.
    """
    name = os.fsdecode(path)
    try:
        with unfinished_file(os.path.dirname(name) or ".") as temporary:
            with open(temporary, "xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            put_in_place(temporary, name, overwrite=overwrite)
    except SrnttError:
        raise
    except Exception as error:  # a full disk, or an encoder that refuses: both leave nothing behind
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise OutputError(f"{name}: cannot be written: {reason}.") from error


def write_bytes(path: str | os.PathLike, content: bytes) -> None:
    """Write a whole file or none; an existing file is replaced, a missing folder is made.

    Raises:
        OutputError: it cannot be written.
    """
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}. Choose another folder.") from error
    with whole_file(path, overwrite=True) as file:
        file.write(content)


def make_folder(path: str | os.PathLike) -> None:
    """Make a folder that may be written to, and those above it, where they are not there.

    Raises:
        OutputError: it cannot be made or written to.
    """
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: cannot be made a folder: {error.strerror}. Choose another.") from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise OutputError(f"{path}: cannot be written to. Choose another folder, or change its mode.")


@contextmanager
def unfinished_file(folder: str | os.PathLike) -> Iterator[str]:
    """A name for a temporary file, or folder, in a folder; whatever is there by the end of the block is removed."""
    path = os.path.join(os.fsdecode(folder), f".srntt-{secrets.token_hex(8)}.part")
    _unfinished.add(path)
    try:
        yield path
    finally:
        _remove(path)
        _unfinished.discard(path)


def remove_unfinished() -> None:
    """Remove every temporary file that is open now: for a process that is about to end without unwinding."""
    for path in tuple(_unfinished):
        _remove(path)


def remove_leftovers(folder: str | os.PathLike) -> None:
    """Remove what processes that were killed left unfinished in a folder, which the caller must have for itself."""
    for entry in list(os.scandir(folder)):
        if _LEFTOVER.fullmatch(entry.name):
            _remove(entry.path)


def _remove(path: str) -> None:
    if os.path.isdir(path):
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            os.unlink(path)


def exists_error(path: str) -> OutputError:
    """What is said of a file that must not be replaced."""
    return OutputError(
        f"{path}: exists already. Choose another name, or replace it: --overwrite, in Python overwrite=True."
    )


def put_in_place(temporary: str, path: str, *, overwrite: bool) -> None:
    """Give a finished file its name: replace what is there, or fail if anything is.

    Raises:
        OutputError: the name is taken and ``overwrite`` is off.
        OSError: the file system refuses.
    """
    if not overwrite:
        try:  # a link fails if the name has been taken meanwhile, where a rename would replace it
            return os.link(temporary, path)
        except FileExistsError:
            raise exists_error(path) from None
        except OSError as error:  # FAT and some network drives have no links
            if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EACCES):
                raise
        if os.path.lexists(path):
            raise exists_error(path)
    os.replace(temporary, path)
    return None
