"""One process at a time in an output folder."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from srntt import _lock
from srntt._lock import locked
from srntt.batch import open_output_folder
from srntt.batch._local_folder import UNFINISHED
from srntt.errors import OutputError

_HOLD = """
import runpy, sys, time
from pathlib import Path
locked = runpy.run_path(sys.argv[2])["locked"]  # the file alone: the package would import torch
with locked(Path(sys.argv[1]), Path(sys.argv[1]).parent.parent):
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_second_is_refused_by_name_of_who_holds_it_and_the_dead_hold_nothing(tmp_path: Path):
    lock = tmp_path / "out" / "state" / "lock"
    lock.parent.mkdir(parents=True)
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(lock), str(_lock.__file__)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(OutputError, match=rf"out: is being written to by process {holder.pid} on "),
            locked(lock, tmp_path / "out"),
        ):
            pytest.fail("two hold one lock")
        holder.send_signal(signal.SIGKILL if sys.platform != "win32" else signal.SIGTERM)
        holder.wait()
    with locked(lock, tmp_path / "out") as note:
        assert note == ""
        assert lock.read_text().startswith(f"\nprocess {os.getpid()} on ")


def test_a_folder_is_opened_once_at_a_time_and_again_afterwards(tmp_path: Path):
    with open_output_folder(tmp_path / "out"):
        with pytest.raises(OutputError, match="is being written to by process"), open_output_folder(tmp_path / "out"):
            pytest.fail("two write to one folder")
        with open_output_folder(tmp_path / "other"):
            pass
    left = tmp_path / "out" / UNFINISHED / "left.png"
    with open_output_folder(tmp_path / "out"):
        left.touch()
    assert not left.exists()


def test_a_file_system_without_locks_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    fcntl = pytest.importorskip("fcntl")

    def refuse(*_: object) -> None:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with open_output_folder(tmp_path / "out") as folder:
        assert "does not support locks" in folder.notes[0]


def test_a_state_folder_that_leads_elsewhere_is_refused(tmp_path: Path):
    (tmp_path / "elsewhere" / "unfinished").mkdir(parents=True)
    (tmp_path / "elsewhere" / "unfinished" / "dear.png").touch()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".srntt-batch").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutputError, match="is a link"), open_output_folder(tmp_path / "out"):
        pytest.fail("opened")
    assert (tmp_path / "elsewhere" / "unfinished" / "dear.png").exists()


def test_nothing_is_made_where_a_state_folder_leads(tmp_path: Path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".srntt-batch").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutputError, match="is a link"), open_output_folder(tmp_path / "out"):
        pytest.fail("opened")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written to"), open_output_folder(tmp_path / "file"):
        pytest.fail("opened")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_a_lock_that_is_a_fifo_is_refused(tmp_path: Path):
    (tmp_path / "out" / ".srntt-batch").mkdir(parents=True)
    os.mkfifo(tmp_path / "out" / ".srntt-batch" / "lock")
    with pytest.raises(OutputError, match="lock: is not a regular file"), open_output_folder(tmp_path / "out"):
        pytest.fail("opened")
