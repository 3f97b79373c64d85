"""``srntt video``."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("av", reason="needs the extra video")

from video.films import frames, pictures, write_film


@pytest.fixture
def film(folder: Path) -> Path:
    return write_film(folder / "in.mp4", pictures(2))


def test_a_film(run: Callable, model: Path, film: Path, folder: Path):
    ran = run("video", film, "--ref", folder / "sharp.jpg", "-o", folder / "out.mp4", "--model", model, "--json")
    assert ran.code == 0, ran.err
    found = json.loads(ran.out)
    assert (found["frames"], found["shots"], found["width"], found["height"]) == (2, 1, 192, 128)
    assert len(frames(folder / "out.mp4")) == 2
    assert "frames" in ran.err


def test_text(run: Callable, model: Path, film: Path, folder: Path):
    ran = run("video", film, "-o", folder / "out.mp4", "--model", model)
    assert "out.mp4: 192x128, 2 frames in 1 shot, " in ran.out


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["in.mp4", "-o", "out.avi"], 2, "films are written to .mp4"),
        (["in.mp4", "-o", "out.mp4", "--fps", "5"], 2, "--fps applies to a folder"),
        (["none.mp4", "-o", "out.mp4"], 2, "There is no none.mp4"),
        (["sharp.jpg", "-o", "out.mp4"], 1, "sharp.jpg: is not a film that is read"),
        (["in.mp4", "-o", "nowhere/out.mp4"], 2, "nowhere"),
        (["in.mp4", "-o", "out.mp4", "--max-pixels", "100"], 1, "the limit is 100"),
    ],
)
def test_refusals(
    run: Callable,
    model: Path,
    film: Path,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    code: int,
    text: str,
):
    monkeypatch.chdir(folder)
    before = sorted(folder.iterdir())
    ran = run("video", *arguments, "--model", model)
    assert ran.code == code
    assert text in ran.err
    assert sorted(folder.iterdir()) == before
