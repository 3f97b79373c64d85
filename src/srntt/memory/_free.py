"""Memory available to the process: limits of the machine, the container and the address space."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from srntt._system import free_address_space


@dataclass(frozen=True)
class _Files:
    """File names of a version of control groups, and the field of its statistics that counts reclaimable memory."""

    limit: str
    used: str
    droppable: str


_V1 = _Files("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
_V2 = _Files("memory.max", "memory.current", "inactive_file")


def free_bytes() -> int:
    """Return the memory available without swapping, in bytes: the least of machine, container and ulimit."""
    container = container_free_bytes(Path("/proc/self/cgroup"), Path("/sys/fs/cgroup"))
    import psutil

    rooms = (psutil.virtual_memory().available, container, free_address_space())
    return min(room for room in rooms if room is not None)


def container_free_bytes(membership: Path, root: Path) -> int | None:
    """Return the memory available within the limits of the control groups (v1 and v2), in bytes; None if unlimited.

    Args:
        membership: File that lists the groups, in lines of number:controllers:path.
        root: Mount point of the control groups.
    """
    rooms = [_group_free(folder, files) for folder, files in _groups(membership, root)]
    return min((room for room in rooms if room is not None), default=None)


def _groups(membership: Path, root: Path) -> Iterator[tuple[Path, _Files]]:
    """Yield the groups of the process and their ancestors, each of which may set a limit."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:  # not Linux
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        mount, files = (root / "memory", _V1) if controllers else (root, _V2)
        # Inside a container the path may be the host's; the container's own group is then mounted at the root.
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
