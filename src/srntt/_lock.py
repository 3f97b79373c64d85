"""One process at a time in a folder; a lock dies with its process, however that ends."""

import errno
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import lock_descriptor

from srntt.errors import OutputError

_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL}


@contextmanager
def locked(path: Path, folder: Path) -> Iterator[str]:
    """Hold the lock of a file, which stays there afterwards and names its last holder.

    Yields a warning for the user: empty, or that the file system has no locks.

    Args:
        path: of the file.
        folder: that it stands for.

    Raises:
        OutputError: another process holds it, or it cannot be opened.
    """
    # Not filelock's own class: it follows a file system without locks by a lock of another kind, which a kill leaves.
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(path, flags, 0o666)
    except OSError as error:
        raise OutputError(f"{path}: cannot be opened: {error.strerror}. Give another folder.") from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OutputError(f"{path}: is not a regular file. Move it away.")
        warning = _lock(descriptor, folder)
        with suppress(OSError):  # on a full disk it holds all the same, of nobody known
            os.ftruncate(descriptor, 0)
            # On Windows nobody else can read the first byte, which is the one that is locked.
            os.write(descriptor, f"\nprocess {os.getpid()} on {socket.gethostname()}\n".encode())
        yield warning
    finally:
        os.close(descriptor)  # and with it the lock goes


def _lock(descriptor: int, folder: Path) -> str:
    try:
        if lock_descriptor(descriptor, blocking=False):
            return ""
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise OutputError(f"{folder}: cannot be locked: {error.strerror}. Give another folder.") from error
        return f"the file system of {folder} has no locks: let no second run write there meanwhile"
    os.lseek(descriptor, 1, os.SEEK_SET)
    holder = os.read(descriptor, 200).decode("utf-8", "replace").strip() or "another process"
    raise OutputError(f"{folder}: is being written to by {holder}. Wait until it has ended, or give another folder.")
