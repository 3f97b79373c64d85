"""How much memory a process may still take: of the machine, of its container, of its address space."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import psutil


@dataclass(frozen=True)
class _Files:
    """What one version of control groups calls its files, and the part of what is used that can be dropped."""

    limit: str
    used: str
    droppable: str


_V1 = _Files("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
_V2 = _Files("memory.max", "memory.current", "inactive_file")


def free_bytes() -> int:
    """What the process may still take without pushing others out: the least of machine, container and ulimit."""
    container = container_free_bytes(Path("/proc/self/cgroup"), Path("/sys/fs/cgroup"))
    rooms = (psutil.virtual_memory().available, container, _address_space_bytes())
    return min(room for room in rooms if room is not None)


def container_free_bytes(membership: Path, root: Path) -> int | None:
    """What the memory limits of the process's control groups leave, versions 1 and 2; None without a limit.

    Args:
        membership: the file that lists the groups: lines of number:controllers:path.
        root: where control groups are mounted.
    """
    rooms = [_group_free(folder, files) for folder, files in _groups(membership, root)]
    return min((room for room in rooms if room is not None), default=None)


def _groups(membership: Path, root: Path) -> Iterator[tuple[Path, _Files]]:
    """Each group that limits the process, with those above it: a limit of any of them counts."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:  # no Linux
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        mount, files = (root / "memory", _V1) if controllers else (root, _V2)
        # Inside a container the path may be that of outside; its own group is then what is mounted.
        inside = PurePosixPath(*(part for part in path.split("/") if part not in ("", "..")))
        for group in (inside, *inside.parents):
            yield mount / group, files


def _group_free(folder: Path, files: _Files) -> int | None:
    try:
        limit = int((folder / files.limit).read_text())
        used = int((folder / files.used).read_text())
        parts = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        return max(0, limit - used + int(parts.get(files.droppable, 0)))
    except (OSError, ValueError):  # no such group, or "max"
        return None


def _address_space_bytes() -> int | None:
    """What `ulimit -v` leaves; None without a limit."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if limit == resource.RLIM_INFINITY else max(0, limit - psutil.Process().memory_info().vms)
