"""An interrupted run continues, and gives the same output as one that was not."""

import errno
import os
from pathlib import Path

import pytest
from video.films import packets, pictures, write_film

from srntt.errors import Cancelled, InputError, OutputError
from srntt.image import Limits
from srntt.upscale import Upscaler
from srntt.video import FilmOptions, FilmResult, open_clip, upscale_film

COUNT = 9  # five segments


@pytest.fixture(autouse=True)
def short_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("srntt.video._shots._SEGMENT", 2)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_film(tmp_path_factory.mktemp("film") / "in.mp4", pictures(COUNT, cut=5))


def upscaled(upscaler: Upscaler, film: Path, output: Path, *, stop: int | None = None, **options) -> FilmResult:
    def report(stage: str, done: int, total: int) -> None:
        if stage == "frames" and stop is not None and done >= stop:
            raise Cancelled("enough")

    return upscale_film(upscaler, open_clip(film, Limits()), output, options=FilmOptions(**options), progress=report)


def test_a_run_continues_where_it_was_interrupted(upscaler: Upscaler, film: Path, tmp_path: Path):
    whole = upscaled(upscaler, film, tmp_path / "whole.mp4")
    assert (whole.frames, whole.shots, whole.resumed) == (COUNT, 2, 0)
    with pytest.raises(Cancelled):
        upscaled(upscaler, film, tmp_path / "out.mp4", stop=7)
    assert not (tmp_path / "out.mp4").exists()
    with pytest.raises(InputError, match=r"interrupted run. Continue it with --resume"):
        upscaled(upscaler, film, tmp_path / "out.mp4")
    result = upscaled(upscaler, film, tmp_path / "out.mp4", resume=True)
    assert result.resumed == 7
    assert packets(tmp_path / "out.mp4", "video") == packets(tmp_path / "whole.mp4", "video")
    assert packets(tmp_path / "out.mp4", "audio") == packets(film, "audio")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.mp4", "whole.mp4"]


def test_other_options_do_not_continue_a_run(upscaler: Upscaler, film: Path, tmp_path: Path):
    with pytest.raises(Cancelled):
        upscaled(upscaler, film, tmp_path / "out.mp4", stop=4)
    with pytest.raises(InputError, match="a run with another options"):
        upscaled(upscaler, film, tmp_path / "out.mp4", resume=True, quality=20)
    assert upscaled(upscaler, film, tmp_path / "out.mp4", overwrite=True).resumed == 0


def test_a_segment_that_cannot_be_put_in_place_is_reported(
    upscaler: Upscaler, film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def fail(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", fail)
        with pytest.raises(OutputError, match=r"cannot be written: Input/output error"):
            upscaled(upscaler, film, tmp_path / "out.mp4")
    assert upscaled(upscaler, film, tmp_path / "out.mp4", resume=True).frames == COUNT


@pytest.mark.parametrize("name", ["manifest.json", "survey.json", "shot-000000.npz"])
def test_a_damaged_state_is_reported(upscaler: Upscaler, film: Path, tmp_path: Path, name: str):
    with pytest.raises(Cancelled):
        upscaled(upscaler, film, tmp_path / "out.mp4", stop=4)
    (tmp_path / ".out.mp4.srntt-video" / name).write_bytes(b'{"times": [0]')
    with pytest.raises((InputError, OutputError), match=rf"{name}.*--overwrite"):
        upscaled(upscaler, film, tmp_path / "out.mp4", resume=True)


def test_two_runs_to_one_output(upscaler: Upscaler, film: Path, tmp_path: Path):
    from srntt.video._work import open_work

    folder = tmp_path / ".out.mp4.srntt-video"
    with (
        open_work(folder, {}, resume=False, overwrite=False),
        pytest.raises(OutputError, match="is being written to"),
    ):
        upscaled(upscaler, film, tmp_path / "out.mp4")
