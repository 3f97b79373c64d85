"""Exclusive lock on a folder; it is released when the process ends, even if killed."""

import errno
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from srntt._system import WRITING
from srntt.errors import OutputError

_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL}


@contextmanager
def locked(path: Path, folder: Path) -> Iterator[str]:
    """Hold a lock file, which is kept afterwards and names its last holder.

    Args:
        path: Lock file.
        folder: Folder that it protects.

    Yields:
        A warning for the user if the file system does not support locks, otherwise "".

    Raises:
        OutputError: Another process holds the lock, or the file cannot be opened.
    """
    # Not filelock's class: without file system locks it falls back to a lock that outlives a killed process.
    try:
        descriptor = os.open(path, WRITING, 0o666)
    except OSError as error:
        raise OutputError(f"{path}: cannot be opened: {error.strerror}. Give another folder.") from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OutputError(f"{path}: is not a regular file. Move it away.")
        warning = _lock(descriptor, folder)
        with suppress(OSError):  # on a full disk the lock is still valid, but does not name its holder
            os.ftruncate(descriptor, 0)
            # On Windows, other processes cannot read the locked first byte.
            os.write(descriptor, f"\nprocess {os.getpid()} on {socket.gethostname()}\n".encode())
        yield warning
    finally:
        os.close(descriptor)  # releases the lock


def _lock(descriptor: int, folder: Path) -> str:
    try:
        from filelock import lock_descriptor
    except ModuleNotFoundError:  # `python -m srntt.train` runs where only PyTorch is installed
        return f"filelock is not installed: do not start a second run that writes to {folder}"
    try:
        if lock_descriptor(descriptor, blocking=False):
            return ""
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise OutputError(f"{folder}: cannot be locked: {error.strerror}. Give another folder.") from error
        return f"the file system of {folder} does not support locks: do not start a second run that writes there"
    os.lseek(descriptor, 1, os.SEEK_SET)
    holder = os.read(descriptor, 200).decode("utf-8", "replace").strip() or "another process"
    raise OutputError(f"{folder}: is being written to by {holder}. Wait until it has ended, or give another folder.")
