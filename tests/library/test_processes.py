"""Several processes at once, and one that is killed."""

import os
import signal
import time
from pathlib import Path

import pytest
from forks import end_with

from srntt.library import Library

pytestmark = pytest.mark.slow


def _adding(library: Library, album: Path) -> int:
    child = os.fork()
    if not child:
        end_with(lambda: len(library.add([album]).failures))
    return child


def test_two_processes_add_the_same_folder(library: Library, album: Path):
    children = [_adding(library, album) for _ in range(3)]
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0, 0]
    info = library.info()
    assert (info.photographs, info.files) == (4, 4)


@pytest.mark.parametrize("seconds", [0.02, 0.1, 0.3, 0.6])
def test_a_killed_process_leaves_a_library_that_continues(library: Library, album: Path, seconds: float, monkeypatch):
    monkeypatch.setattr("srntt.library._update._COMMIT_SECONDS", 0.0)
    child = _adding(library, album)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    update = library.add([album])
    assert update.added + update.unchanged == 4
    assert library.info().photographs == 4
