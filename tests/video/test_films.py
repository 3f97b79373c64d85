"""Films in containers: what is copied, what is kept, and what is refused."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from video.films import SIZE, av, frames, lay_on_side, packets, pictures, times, write_film

from srntt.errors import InputError, OutputError, PictureError
from srntt.image import Limits
from srntt.upscale import Upscaler
from srntt.video import FilmOptions, FilmResult, open_clip, upscale_film

FEW = 5


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return write_film(tmp_path / "in.mp4", pictures(FEW))


def upscaled(upscaler: Upscaler, film: Path, output: Path, *references: Path, **options) -> FilmResult:
    return upscale_film(upscaler, open_clip(film, Limits()), output, references, options=FilmOptions(**options))


def test_sound_and_timestamps_are_copied(upscaler: Upscaler, film: Path, tmp_path: Path):
    result = upscaled(upscaler, film, tmp_path / "out.mp4")
    assert (result.frames, result.width, result.height, result.notes) == (FEW, 4 * SIZE[1], 4 * SIZE[0], ())
    assert packets(tmp_path / "out.mp4", "audio") == packets(film, "audio")
    shown = [frame.pts * frame.time_base for frame in frames(tmp_path / "out.mp4")]
    assert shown == [Fraction(time, 600) for time in times(FEW)[:FEW]]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4", "out.mp4"]


@pytest.mark.parametrize("suffix", [".mkv", ".mov"])
def test_other_containers(upscaler: Upscaler, film: Path, tmp_path: Path, suffix: str):
    upscaled(upscaler, film, tmp_path / f"out{suffix}")
    made = frames(tmp_path / f"out{suffix}")
    assert [float(frame.time) for frame in made] == pytest.approx([time / 600 for time in times(FEW)[:FEW]], abs=1e-3)
    assert [content for _, content in packets(tmp_path / f"out{suffix}", "audio")] == [
        content for _, content in packets(film, "audio")
    ]


def test_webm(upscaler: Upscaler, tmp_path: Path):
    write_film(tmp_path / "in.mp4", pictures(2), sound=False)
    upscaled(upscaler, tmp_path / "in.mp4", tmp_path / "out.webm", quality=20)
    assert len(frames(tmp_path / "out.webm")) == 2


def test_sound_that_the_container_cannot_store_is_refused_first(upscaler: Upscaler, film: Path, tmp_path: Path):
    with pytest.raises(OutputError, match=r"cannot store the .* of .*in.mp4 .*End the name with .mkv"):
        upscaled(upscaler, film, tmp_path / "out.webm")


def test_frames_are_those_of_single_pictures(upscaler: Upscaler, film: Path, tmp_path: Path):
    upscaled(upscaler, film, tmp_path / "out.mp4", quality=0)
    first = next(open_clip(film, Limits()).frames()).picture
    expected = upscaler.upscale(first).array.astype(float)
    decoded = next(open_clip(tmp_path / "out.mp4", Limits()).frames()).picture.color
    assert decoded.shape == expected.shape
    assert np.abs(decoded.mean((0, 1)) - expected.mean((0, 1))).max() < 1.5
    assert np.abs(decoded @ [0.299, 0.587, 0.114] - expected @ [0.299, 0.587, 0.114]).mean() < 3


@pytest.mark.parametrize(
    ("stated", "expected"),
    [({}, (6, 1)), ({"colorspace": 1, "color_primaries": 1, "color_trc": 1, "color_range": 2}, (1, 2))],
)
def test_color_tags_are_kept(upscaler: Upscaler, tmp_path: Path, stated: dict, expected: tuple[int, int]):
    """Nothing stated means BT.601 at this size, but not at four times the size: it is stated then."""
    write_film(tmp_path / "in.mp4", pictures(1), **stated)
    upscaled(upscaler, tmp_path / "in.mp4", tmp_path / "out.mp4", quality=1)
    before, after = (frames(tmp_path / f"{name}.mp4")[0] for name in ("in", "out"))
    assert (after.colorspace, after.color_range) == expected
    assert (after.color_primaries, after.color_trc) == (before.color_primaries, before.color_trc)
    small, large = (next(open_clip(tmp_path / f"{name}.mp4", Limits()).frames()).picture for name in ("in", "out"))
    assert np.abs(upscaler.upscale(small).array.mean((0, 1)) - large.color.mean((0, 1))).max() < 1


def test_rotation_is_applied(upscaler: Upscaler, film: Path, tmp_path: Path):
    upright = next(open_clip(film, Limits()).frames()).picture.color
    lay_on_side(film)
    turned = next(open_clip(film, Limits()).frames()).picture.color
    assert np.array_equal(turned, np.rot90(upright, -1))
    result = upscaled(upscaler, film, tmp_path / "out.mp4")
    assert (result.width, result.height) == (4 * SIZE[0], 4 * SIZE[1])
    assert frames(tmp_path / "out.mp4")[0].rotation == 0


def test_ten_bits(upscaler: Upscaler, tmp_path: Path):
    with av.open(str(tmp_path / "in.mkv"), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "1"})
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p10le"
        ramp = np.tile(np.linspace(20000, 21000, 48).astype(np.uint16)[None, :, None], (32, 1, 3))
        for packet in [*stream.encode(av.VideoFrame.from_ndarray(ramp, format="rgb48le")), *stream.encode(None)]:
            container.mux(packet)
    upscaled(upscaler, tmp_path / "in.mkv", tmp_path / "out.mp4", quality=1)
    assert frames(tmp_path / "out.mp4")[0].format.name == "yuv420p10le"


def test_references_change_the_output(upscaler: Upscaler, film: Path, tmp_path: Path):
    from PIL import Image

    still = np.kron(pictures(1)[0], np.ones((4, 4, 1), np.uint8))
    Image.fromarray(still).save(tmp_path / "still.png")
    upscaled(upscaler, film, tmp_path / "alone.mp4")
    upscaled(upscaler, film, tmp_path / "out.mp4", tmp_path / "still.png")
    assert packets(tmp_path / "out.mp4", "video") != packets(tmp_path / "alone.mp4", "video")
    upscaled(upscaler, film, tmp_path / "self.mp4", self_references=True)


def test_an_output_that_exists_is_refused(upscaler: Upscaler, film: Path, tmp_path: Path):
    (tmp_path / "out.mp4").write_bytes(b"precious")
    with pytest.raises(OutputError, match="exists already"):
        upscaled(upscaler, film, tmp_path / "out.mp4")
    assert (tmp_path / "out.mp4").read_bytes() == b"precious"
    upscaled(upscaler, film, tmp_path / "out.mp4", overwrite=True)
    assert len(frames(tmp_path / "out.mp4")) == FEW


def test_a_suffix_that_is_not_written_is_refused(upscaler: Upscaler, film: Path, tmp_path: Path):
    with pytest.raises(InputError, match=r"out.avi: films are written to .mp4"):
        upscaled(upscaler, film, tmp_path / "out.avi")


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
@pytest.mark.parametrize("more", ["open-gop=0", "open-gop=1:b-pyramid=normal", "intra-refresh=1"])
def test_a_frame_that_is_sought_by_its_time_is_the_same(tmp_path: Path, suffix: str, more: str):
    path = write_film(tmp_path / f"in{suffix}", pictures(60), sound=False, options={"x264-params": f"keyint=12:{more}"})
    clip = open_clip(path, Limits())
    whole = list(clip.frames())
    times = [*(frame.time for frame in whole), whole[-1].time + 1]
    for first in (1, 11, 12, 13, 30, 47, 59):
        sought = next(clip.frames(first, times))
        assert (sought.number, sought.time) == (first, whole[first].time)
        assert np.array_equal(sought.picture.color, whole[first].picture.color)


def test_a_frame_is_sought_without_decoding_the_film_from_its_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_film(tmp_path / "in.mp4", pictures(60), sound=False, options={"g": "12"})
    clip, checked = open_clip(tmp_path / "in.mp4", Limits()), []
    times = [*(frame.time for frame in clip.frames()), 10**6]
    monkeypatch.setattr(type(clip), "_check", lambda self, frame, number: checked.append(number))
    next(clip.frames(50, times))
    assert min(checked) >= 50 - 16 - 12
    checked.clear()
    wrong = [time + 1 for time in times]  # of another film: nothing is found there
    assert next(clip.frames(50, wrong)).time == times[50]
    assert min(checked) == 0


@pytest.mark.parametrize("part", [0.3, 0.9])
def test_a_truncated_film_is_refused(film: Path, part: float):
    content = film.read_bytes()
    film.write_bytes(content[: int(len(content) * part)])
    with pytest.raises(PictureError, match=r"in.mp4: (is not a film|cannot be decoded)"):
        list(open_clip(film, Limits()).frames())


def test_limits_come_before_decoding(film: Path):
    with pytest.raises(PictureError, match="48 x 32 pixels, the limit is 1,000"):
        open_clip(film, Limits(max_pixels=1000))


@pytest.mark.parametrize(("quality", "best"), [(52, 4), (-1, 4), (16, 0)])
def test_invalid_options(quality: int, best: int):
    with pytest.raises(InputError, match="must be"):
        FilmOptions(quality=quality, best=best)
