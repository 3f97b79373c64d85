"""Killed at any moment, a batch leaves whole files only, and goes on as if nothing had been."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from batch.pictures import write_pictures

_TESTS = Path(__file__).parent.parent
_SOURCE = _TESTS.parent / "src"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
@pytest.mark.parametrize("kills", [8, pytest.param(50, marks=pytest.mark.slow)])
def test_killed_at_random_moments(tmp_path: Path, model: Path, kills: int):
    write_pictures(tmp_path / "in", ["a.png", "b.jpg", "c.png", "s/a.png", "s/d.png", "z.tif"], size=(40, 30))
    write_pictures(tmp_path / "refs", ["x.png", "y.png", "a.png"], size=(80, 64), seed=10)
    path = os.pathsep.join([str(_SOURCE), str(_TESTS), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, Path(__file__).with_name("killing.py"), tmp_path, model, str(kills), str(kills)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
    )
    seen = json.loads(done.stdout)
    assert seen["straight"] == 0
    assert seen["not_whole"] == seen["unknown"] == []
    assert set(seen["codes"]) <= {0, 3}  # 3: the run that was killed had done the last picture, too
    assert seen["last"] in (0, 3)
    assert seen["same"]
    assert seen["left"] == []
    assert seen["midway"] >= kills // 4, "too few kills came while there was work to lose"
