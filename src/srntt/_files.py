"""Hashes of files, and atomic writing: files are written under a temporary name, flushed to disk and renamed."""

import errno
import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Literal

from srntt.errors import OutputError, SrnttError

_unfinished: set[str] = set()
_LEFTOVER = re.compile(r"\.srntt-[0-9a-f]{16}\.part")


@contextmanager
def whole_file(path: str | os.PathLike, *, overwrite: bool) -> Iterator[BinaryIO]:
    """Open a file for writing that appears under its name when the block ends without an error.

    After an error or Ctrl-C nothing is left. Symbolic links are replaced, not followed.

    Args:
        path: File to write; its folder must exist.
        overwrite: Replace an existing file, including one that appears in the meantime.

    Raises:
        OutputError: The file exists and ``overwrite`` is False, or an error other than an SrnttError in the block.
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
    except Exception as error:  # a full disk or a failing encoder; nothing is left in either case
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise OutputError(f"{name}: cannot be written: {reason}.") from error


def write_bytes(path: str | os.PathLike, content: bytes) -> None:
    """Write a file atomically; an existing file is replaced, a missing folder is created.

    Raises:
        OutputError: The file cannot be written.
    """
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}. Choose another folder.") from error
    with whole_file(path, overwrite=True) as file:
        file.write(content)


def make_folder(path: str | os.PathLike) -> None:
    """Create a folder and its parents if they do not exist, and check that the folder is writable.

    Raises:
        OutputError: The folder cannot be created or written to.
    """
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: the folder cannot be created: {error.strerror}. Choose another.") from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise OutputError(f"{path}: cannot be written to. Choose another folder, or change its permissions.")


def file_sha256(path: str | os.PathLike) -> str:
    """Return the SHA-256 of a file in hexadecimal digits; raise OSError if it cannot be read."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def unfinished_file(folder: str | os.PathLike) -> Iterator[str]:
    """Yield a name for a temporary file or folder in `folder`, which is removed at the end of the block."""
    path = os.path.join(os.fsdecode(folder), f".srntt-{secrets.token_hex(8)}.part")
    _unfinished.add(path)
    try:
        yield path
    finally:
        _remove(path)
        _unfinished.discard(path)


def remove_unfinished() -> None:
    """Remove the temporary files of all open blocks, for a process that is about to exit without unwinding."""
    for path in tuple(_unfinished):
        _remove(path)


def remove_leftovers(folder: str | os.PathLike) -> None:
    """Remove temporary files of killed processes from a folder, to which the caller must have exclusive access."""
    for entry in list(os.scandir(folder)):
        if _LEFTOVER.fullmatch(entry.name):
            _remove(entry.path)


def _remove(path: str) -> None:
    if os.path.isdir(path):
        return shutil.rmtree(path, ignore_errors=True)
    for _ in range(2):  # a transient error leaves no file
        try:
            return os.unlink(path)
        except FileNotFoundError:
            return None
        except OSError:
            continue
    return None


def exists_error(path: str) -> OutputError:
    """Return the error for a file that exists and must not be replaced."""
    return OutputError(
        f"{path}: exists already. Choose another name, or replace it with --overwrite (overwrite=True in Python)."
    )


def put_in_place(temporary: str, path: str, *, overwrite: bool) -> None:
    """Rename a finished file to its final name.

    Raises:
        OutputError: The name is taken and ``overwrite`` is False.
        OSError: The file system does not allow it.
    """
    if not overwrite:
        try:  # a link fails if the name has been taken in the meantime, whereas a rename would replace it
            return os.link(temporary, path)
        except FileExistsError:
            raise exists_error(path) from None
        except OSError as error:  # FAT and some network drives do not support links
            if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EACCES):
                raise
        if os.path.lexists(path):
            raise exists_error(path)
    os.replace(temporary, path)
    return None


def user_folder(kind: Literal["cache", "data"]) -> Path:
    """Return $XDG_CACHE_HOME/srntt or $XDG_DATA_HOME/srntt, else the system's folder. It may not exist yet."""
    base = Path(os.environ.get(f"XDG_{kind.upper()}_HOME", ""))
    if base.is_absolute():
        return base / "srntt"
    from platformdirs import user_cache_path, user_data_path

    found = user_cache_path if kind == "cache" else user_data_path
    return found("srntt", appauthor=False)
