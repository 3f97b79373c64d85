"""One process at a time in a folder; a lock dies with its process, however that ends."""

import errno
import os
import socket
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from srntt.errors import OutputError

_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL}
_FAR = 2**30  # Windows keeps others from reading what is locked: this is beyond the text


@contextmanager
def locked(path: Path, folder: Path) -> Iterator[str]:
    """Hold the lock of a file, which stays there afterwards.

    Gives what a person must know: empty, or that the file system has no locks.

    Args:
        path: of the file.
        folder: that it stands for.

    Raises:
        OutputError: another process holds it, or it cannot be opened.
    """
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(path, flags, 0o666)
    except OSError as error:
        raise OutputError(f"{path}: cannot be opened: {error.strerror}. Give another folder.") from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OutputError(f"{path}: is not a regular file. Move it away.")
        note = _lock(descriptor, folder)
        with suppress(OSError):  # on a full disk it holds all the same, of nobody known
            os.ftruncate(descriptor, 0)
            os.write(descriptor, _who().encode())
        yield note
    finally:
        os.close(descriptor)  # and with it the lock goes


def _lock(descriptor: int, folder: Path) -> str:
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(descriptor, _FAR, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            os.lseek(descriptor, 0, os.SEEK_SET)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _NO_LOCKS:
            return f"the file system of {folder} has no locks: let no second run write there meanwhile"
        holder = os.read(descriptor, 200).decode("utf-8", "replace").strip() or "another process"
        raise OutputError(
            f"{folder}: is being written to by {holder}. Wait until it has ended, or give another folder."
        ) from error
    return ""


def _who() -> str:
    return f"process {os.getpid()} on {socket.gethostname()}\n"
