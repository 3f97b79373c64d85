"""What may still be taken: of the machine, of made-up control groups, and under a real ulimit."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import control_groups
import pytest
from control_groups import control_group

from srntt.memory import _free, budget_bytes, resident_bytes
from srntt.memory._free import container_free_bytes, free_bytes


def _group(folder: Path, limit: str, used: int, droppable: int, version: int = 2) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    names = ("memory.max", "memory.current") if version == 2 else ("memory.limit_in_bytes", "memory.usage_in_bytes")
    for name, value in zip(names, (limit, used), strict=True):
        (folder / name).write_text(f"{value}\n")
    key = "inactive_file" if version == 2 else "total_inactive_file"
    (folder / "memory.stat").write_text(f"anon 7\n{key} {droppable}\n")


def _member(folder: Path, *lines: str) -> Path:
    (folder / "cgroup").write_text("".join(f"{line}\n" for line in lines))
    return folder / "cgroup"


@pytest.mark.parametrize(
    ("own", "above", "expected"),
    [
        (("1000", 400, 100), ("max", 400, 0), 700),
        (("max", 400, 100), ("1000", 900, 50), 150),
        (("1000", 400, 100), ("600", 500, 0), 100),
        (("1000", 1200, 0), ("max", 0, 0), 0),
        (("max", 400, 100), ("max", 400, 100), None),
    ],
)
def test_the_least_of_a_group_and_those_above_it_counts(tmp_path: Path, own, above, expected) -> None:
    _group(tmp_path / "mount" / "slice" / "job", *own)
    _group(tmp_path / "mount" / "slice", *above)
    assert container_free_bytes(_member(tmp_path, "0::/slice/job"), tmp_path / "mount") == expected


def test_version_1_counts_memory_and_no_other_controller(tmp_path: Path) -> None:
    _group(tmp_path / "mount" / "memory" / "job", "5000", 1000, 500, version=1)
    member = _member(tmp_path, "4:memory:/job", "3:cpuset:/job", "0::/")
    assert container_free_bytes(member, tmp_path / "mount") == 4500


def test_a_path_of_outside_the_container_leads_to_the_group_that_is_mounted(tmp_path: Path) -> None:
    _group(tmp_path / "mount", "3000", 1000, 0)
    for path in ("/docker/0123", "/../../other"):
        assert container_free_bytes(_member(tmp_path, f"0::{path}"), tmp_path / "mount") == 2000


def test_where_there_are_no_groups_none_limits(tmp_path: Path) -> None:
    assert container_free_bytes(tmp_path / "absent", tmp_path) is None


def test_the_least_of_machine_container_and_ulimit_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    for container, address_space in ((None, None), (100, None), (None, 100), (100, 10**18)):
        monkeypatch.setattr(_free, "container_free_bytes", lambda *_, value=container: value)
        monkeypatch.setattr(_free, "free_address_space", lambda value=address_space: value)
        limited = container is not None or address_space is not None
        assert (free_bytes() == 100) == limited
    monkeypatch.setattr(_free, "free_address_space", lambda: 1_000_000)
    assert abs(budget_bytes(None) - resident_bytes() - 800_000) < 50_000_000


@pytest.mark.skipif(sys.platform == "win32", reason="no ulimit here")
def test_a_real_limit_of_the_address_space_counts() -> None:
    code = (
        "import resource, psutil; from srntt.memory._free import free_bytes; "
        "vms = psutil.Process().memory_info().vms; resource.setrlimit(resource.RLIMIT_AS, (vms + 10**9, -1)); "
        "print(free_bytes())"
    )
    free = int(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
    assert 0 < free <= 10**9 - 2**27  # reserved for threads


@pytest.fixture
def group() -> Iterator[Path]:
    """A real group with room for 700 MB, where root may make one."""
    with control_group(700_000_000) as made:
        if made is None:
            pytest.skip("no control group can be made here")
        yield made


def test_a_real_container_keeps_the_default_budget_below_its_limit(group: Path) -> None:
    code = (
        f"import pathlib, control_groups; control_groups.join(pathlib.Path({str(group)!r})); "
        "from srntt.memory import budget_bytes; from srntt.memory._free import free_bytes; "
        "print(free_bytes(), budget_bytes(None))"
    )
    paths = os.pathsep.join([str(Path(control_groups.__file__).parent), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"PYTHONPATH": paths}
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    free, budget = map(int, ended.stdout.split())
    assert 0 < free < 700_000_000
    assert budget < 700_000_000
