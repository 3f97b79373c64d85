"""Small and read-only disks, and rights taken away: of this process and its children alone (Linux)."""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from faults.fault import CannotError

_NEW_MOUNTS, _NEW_USER = 0x20000, 0x10000000
_READ_ONLY, _REMOUNT, _RECURSIVE_PRIVATE = 1, 32, 0x4000 | 0x40000
_CAPABILITIES_VERSION = 0x20080522
_OVERRIDES = 1 << 1 | 1 << 2  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH: by which root passes over modes


def own_mounts() -> None:
    """What is mounted from now on is seen by this process and its children alone, and goes with them.

    Raises:
        CannotError: the system does not let us.
    """
    if sys.platform != "linux":
        raise CannotError("mounts a disk of its own as Linux does")
    user, group = os.getuid(), os.getgid()
    _call("unshare", _NEW_MOUNTS if user == 0 else _NEW_MOUNTS | _NEW_USER)
    if user:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    _call("mount", b"none", b"/", None, _RECURSIVE_PRIVATE, None)


@contextmanager
def small_disk(folder: Path, kib: int) -> Iterator[None]:
    """A disk of so many KiB at a folder, after `own_mounts`."""
    _call("mount", b"srntt", bytes(folder), b"tmpfs", 0, f"size={kib}k".encode())
    try:
        yield
    finally:
        _call("umount", bytes(folder))


def enlarge(folder: Path, kib: int) -> None:
    """Make room on a small disk, and let it be written to."""
    _call("mount", b"srntt", bytes(folder), b"tmpfs", _REMOUNT, f"size={kib}k".encode())


def make_read_only(folder: Path) -> None:
    """From now on nothing may be written to a small disk."""
    _call("mount", b"srntt", bytes(folder), b"tmpfs", _REMOUNT | _READ_ONLY, None)


def obey_modes() -> None:
    """Modes of files hold for this process from now on, also where it is root's."""
    if sys.platform != "linux":
        return
    header = (ctypes.c_uint32 * 2)(_CAPABILITIES_VERSION, 0)
    data = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; twice
    _call("capget", header, data)
    for part in range(3):
        data[part] &= ~_OVERRIDES
    _call("capset", header, data)


def _call(name: str, *arguments: object) -> None:
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments):
        raise CannotError(f"{name}: {os.strerror(ctypes.get_errno())}")
