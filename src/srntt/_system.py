"""What differs between operating systems, and nothing else does: Linux, macOS and Windows.

Only Linux has been tried. The tests let this module believe that it runs on the others.
"""

import ctypes
import mmap
import os
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

#: Flags of `os.open`. A FIFO or device does not block, and Windows does not translate line ends.
READING = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
#: The same for a file that is created if it does not exist, and is no link.
WRITING = os.O_RDWR | os.O_CREAT | (READING & ~os.O_RDONLY) | getattr(os, "O_NOFOLLOW", 0)

_RESERVED = 2**27  # bytes of addresses: what glibc may set aside for a thread


def after_fork(call: Callable[[], object]) -> None:
    """Call a function in every child that is forked from now on; Windows has no forks."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=call)


def reserve(descriptor: int, start: int, size: int) -> None:
    """Enlarge a file, so that writing into it later cannot run out of disk space, where the system can promise that.

    Raises:
        OSError: The disk is full.
    """
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, start, size)
    else:  # macOS, Windows
        os.ftruncate(descriptor, start + size)


def release_pages(mapped: mmap.mmap) -> None:
    """Take the pages of a mapped file out of memory, if the system supports it; their content stays in the file."""
    with suppress(AttributeError, OSError):  # Windows
        mapped.madvise(mmap.MADV_DONTNEED)


def unblock(descriptor: int) -> None:
    """Make writing into a pipe fail instead of waiting, which `signal.set_wakeup_fd` requires outside of Windows."""
    if sys.platform != "win32":
        os.set_blocking(descriptor, False)


def allow_recent_address(probe: socket.socket) -> None:
    """Allow a port that was in use a moment ago. On Windows the option would allow one that is in use."""
    if sys.platform != "win32":
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)


def free_address_space() -> int | None:
    """Return the bytes that `ulimit -v` leaves to this process; None if there is no such limit.

    glibc reserves 64 MiB of addresses, or twice as much for a moment, for the memory of each further thread.
    """
    if sys.platform == "win32":
        return None
    import resource

    import psutil

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if limit == resource.RLIM_INFINITY else max(0, limit - psutil.Process().memory_info().vms - _RESERVED)


def give_back() -> None:
    """Return freed memory that the allocator keeps to the system, if it supports this (glibc)."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)


def reset_peak() -> None:
    """Let `peak_bytes` count from now on, on Linux; elsewhere it counts from the start of the process."""
    if sys.platform == "linux":
        with suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")


def peak_bytes() -> int:
    """Return the peak memory of the process in bytes, as counted by the operating system."""
    if sys.platform == "win32":
        import psutil

        return psutil.Process().memory_info().peak_wset
    if sys.platform == "linux":
        with suppress(OSError, StopIteration, ValueError):
            lines = Path("/proc/self/status").read_text().splitlines()
            return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
