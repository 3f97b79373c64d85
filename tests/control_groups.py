"""Real control groups of Linux, where the tests may make one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_MOUNTS = (("memory", "memory.limit_in_bytes"), (".", "memory.max"))  # of version 1 and 2


@contextmanager
def control_group(size: int) -> Iterator[Path | None]:
    """A group whose processes have this many bytes of memory together; None where none can be made."""
    group = _made(size)
    try:
        yield group
    finally:
        if group:
            group.rmdir()


def _made(size: int) -> Path | None:
    for mount, limit in _MOUNTS:
        group = Path("/sys/fs/cgroup", mount, f"srntt-{os.getpid()}-{size}")
        with suppress(OSError):
            group.mkdir()
            try:
                with open(group / limit, "r+") as file:  # which is there in a real group
                    file.write(str(size))
                return group
            except OSError:  # not under the memory controller
                group.rmdir()
    return None


def join(group: Path) -> None:
    """Put this process into a group."""
    (group / "cgroup.procs").write_text(str(os.getpid()))
