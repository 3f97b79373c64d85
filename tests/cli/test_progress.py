"""Plain progress: one line for each stage, and one every few seconds in a long one."""

import pytest

from srntt.cli import _progress
from srntt.cli._progress import ProgressOnStderr


def test_a_line_when_a_stage_ends(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressOnStderr() as progress:
        for stage in ("match", "render", "polish"):
            for done in range(101):
                progress(stage, done, 100)
    captured = capsys.readouterr()
    assert captured.err.splitlines() == ["matching: 100%", "rendering: 100%", "polish: 100%"]
    assert captured.out == ""


def test_a_line_every_five_seconds(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(_progress.time, "monotonic", lambda: now)
    with ProgressOnStderr() as progress:
        for done in range(13):  # one a second
            progress("render", done, 12)
            now += 1
    assert capsys.readouterr().err.splitlines() == ["rendering: 41%", "rendering: 83%", "rendering: 100%"]


def test_nothing_to_count_is_not_a_division(capsys: pytest.CaptureFixture[str]) -> None:
    ProgressOnStderr()("match", 0, 0)
    assert capsys.readouterr().err == "matching: 0%\n"
