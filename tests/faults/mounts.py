"""Small and read-only disks, and removed permissions, for this process and its children only (Linux)."""

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
_OVERRIDES = 1 << 1 | 1 << 2  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH: by which root ignores modes


def own_mounts() -> None:
    """Subsequent mounts are visible only to this process and its children, and end with them.

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
    """Mount a disk of this many KiB at a folder, after `own_mounts`."""
    _call("mount", b"srntt", bytes(folder), b"tmpfs", 0, f"size={kib}k".encode())
    try:
        yield
    finally:
        _call("umount", bytes(folder))


def enlarge(folder: Path, kib: int) -> None:
    """Enlarge a small disk and make it writable."""
    _call("mount", b"srntt", bytes(folder), b"tmpfs", _REMOUNT, f"size={kib}k".encode())


def make_read_only(folder: Path) -> None:
    """Make a small disk read-only."""
    _call("mount", b"srntt", bytes(folder), b"tmpfs", _REMOUNT | _READ_ONLY, None)


def obey_modes() -> None:
    """Enforce file modes for this process, even if it runs as root."""
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
