"""Folders of frames, in and out."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from srntt.errors import InputError, OutputError, PictureError
from srntt.image import Limits
from srntt.upscale import Upscaler
from srntt.video import FilmOptions, open_clip, upscale_film


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    (tmp_path / "in").mkdir()
    for number in (9, 10, 100):
        Image.fromarray(rng.integers(0, 256, (12, 16, 3), np.uint8)).save(tmp_path / "in" / f"frame{number}.png")
    return tmp_path / "in"


def test_frames_to_frames(upscaler: Upscaler, folder: Path, tmp_path: Path):
    result = upscale_film(upscaler, open_clip(folder, Limits()), tmp_path / "out")
    assert result.frames == 3
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "frame10.png",
        "frame100.png",
        "frame9.png",
    ]
    with Image.open(tmp_path / "out" / "frame10.png") as made:
        assert np.array_equal(np.asarray(made), upscaler.upscale(folder / "frame10.png").array)
    with pytest.raises(OutputError, match="contains pictures already"):
        upscale_film(upscaler, open_clip(folder, Limits()), tmp_path / "out")
    upscale_film(upscaler, open_clip(folder, Limits()), tmp_path / "out", options=FilmOptions(overwrite=True))


def test_frames_are_in_the_order_of_their_numbers(folder: Path):
    sources = [Path(frame.picture.source).stem for frame in open_clip(folder, Limits()).frames()]
    assert sources == ["frame9", "frame10", "frame100"]


def test_frames_to_a_film(upscaler: Upscaler, folder: Path, tmp_path: Path):
    from video.films import frames

    upscale_film(upscaler, open_clip(folder, Limits(), rate=None), tmp_path / "out.mkv")
    assert [float(frame.time) for frame in frames(tmp_path / "out.mkv")] == pytest.approx([0, 0.04, 0.08])


def test_a_frame_of_another_size_is_refused(folder: Path):
    Image.new("RGB", (10, 10)).save(folder / "frame11.png")
    with pytest.raises(PictureError, match=r"frame11.png has 10 x 10 pixels, the first frame 16 x 12"):
        list(open_clip(folder, Limits()).frames())


def test_an_empty_folder_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="contains no pictures"):
        open_clip(tmp_path, Limits())
