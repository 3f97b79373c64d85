"""No injected fault loses data: a few of each type; `make faults` injects all of them and counts."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from faults.children import Ended
from faults.fault import Fault, spread
from faults.registry import FAULTS
from faults.works import FILMS, differences, is_reported

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks, mounts and counts as Linux does")

_TESTS = Path(__file__).parent.parent
_SKIPPED = {*(f"address-space-{name}" for name in ("upscale", "batch", "train", "weights")), "two-train"}


def _injected(*options: str) -> dict[str, dict[str, Any]]:
    paths = os.pathsep.join([str(_TESTS / "offline"), str(_TESTS), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "faults", "--json", *options]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.stdout, done.stderr
    return {tally["name"]: tally for tally in json.loads(done.stdout)}


@pytest.fixture(scope="module")
def quick() -> dict[str, dict[str, Any]]:
    return _injected("--quick")


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.quick], ids=lambda fault: fault.name)
def test_nothing_is_lost(quick: dict[str, dict[str, Any]], fault: Fault) -> None:
    _check(quick[fault.name])


@pytest.mark.slow
def test_nothing_is_lost_at_any_moment() -> None:
    tallies = _injected()
    assert set(tallies) == {fault.name for fault in FAULTS}
    killed = ("upscale", "batch", "train", "weights", *FILMS)
    assert sum(tallies[f"kill-{name}"]["times"] for name in killed) == 50 * len(killed)
    lost = {name: tally["lost"] for name, tally in tallies.items() if tally["lost"]}
    assert not lost


def _check(tally: dict[str, Any]) -> None:
    if tally["skipped"]:
        pytest.skip(tally["skipped"])
    assert tally["times"] > 0
    assert tally["lost"] == []


def test_names_are_unique_and_what_is_left_to_make_faults_is_known() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    assert {fault.name for fault in FAULTS if not fault.quick} == _SKIPPED


def test_the_disk_counts_tears_and_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "out").mkdir()
    script = "import os, sys; from faults.disk import *; from pathlib import Path; Disk({}).install()\n"
    work = "f = open('out/x', 'wb'); f.write(b'whole'); f.flush(); os.fsync(f.fileno()); os.replace('out/x', 'out/y')"
    monkeypatch.setenv("PYTHONPATH", str(_TESTS))
    monkeypatch.chdir(tmp_path)

    def run(arguments: str) -> int:
        return subprocess.run([sys.executable, "-c", script.format(arguments) + work], capture_output=True).returncode

    assert run("record=Path('acts')") == 0
    assert Path("acts").read_text().split() == ["open", "write", "fsync", "rename"]
    Path("out/y").unlink()
    assert run("kill, 2") == -9
    assert Path("out/x").read_bytes() == b"wh"
    assert run("fail_with(28), 4") == 1
    assert (Path("out/x").read_bytes(), Path("out/y").exists()) == (b"whole", False)


def test_the_judge_sees_half_files_other_bytes_and_words_that_help_nobody(tmp_path: Path) -> None:
    assert differences({"a": "1", "b": "2"}, {"b": "3"}) == ["a: missing, not 1", "b: 3, not 2"]
    assert is_reported(Ended(1, "srntt: x.png: is not a picture")) == []
    assert len(is_reported(Ended(1, "Traceback (most recent call last)"))) == 2
    ignored = "Exception ignored in: <generator>\nTraceback (most recent call last)\nMemoryError: \n"
    assert is_reported(Ended(1, f"{ignored}srntt: out of memory")) == []
    assert len(is_reported(Ended(1, f"{ignored}srntt: x\nTraceback (most recent call last)"))) == 1
    assert len(is_reported(Ended(1, "srntt: OSError: no\n  This is an unexpected error"))) == 1


def test_moments_are_spread_over_all_of_them() -> None:
    assert spread(3, 9) == [1, 5, 9]
    assert spread(9, 2) == [1, 2]
    assert spread(1, 9) == [5]
