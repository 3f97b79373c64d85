"""An upscaler inside a larger program: several threads, cancelling, many pictures in a row."""

import io
import itertools
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny import tiny_network

from srntt import Upscaler
from srntt.errors import Cancelled, InputError, PictureError

RNG = np.random.default_rng(0)
PICTURES = [RNG.integers(0, 256, (24, 20 + 2 * number, 3), np.uint8) for number in range(4)]
SHARP = RNG.integers(0, 256, (96, 88, 3), np.uint8)
PATIENCE = 60.0


@pytest.fixture(scope="module")
def upscaler() -> Upscaler:
    return Upscaler(tiny_network(), device="cpu")


def test_threads_get_what_one_thread_gets(upscaler: Upscaler):
    def work(picture: np.ndarray) -> np.ndarray:
        return upscaler.upscale(picture, upscaler.encode_references([SHARP])).array

    expected = [work(picture) for picture in PICTURES]
    with ThreadPoolExecutor(4) as threads:
        for found, wanted in zip(threads.map(work, PICTURES * 3), expected * 3, strict=True):
            np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("stage", ["align", "match", "render", "consistent"])
def test_a_progress_callback_cancels(upscaler: Upscaler, stage: str):
    references = upscaler.encode_references([SHARP])
    expected = upscaler.upscale(PICTURES[0], references, consistent=True)

    def progress(at: str, done: int, total: int) -> None:
        if at == stage:
            raise Cancelled(at)

    with pytest.raises(Cancelled, match=stage):
        upscaler.upscale(PICTURES[0], references, consistent=True, progress=progress)
    again = upscaler.upscale(PICTURES[0], references, consistent=True)
    np.testing.assert_array_equal(again.array, expected.array)
    assert again.fallbacks == expected.fallbacks


def test_many_pictures_are_what_each_alone_is(upscaler: Upscaler, tmp_path: Path):
    references = upscaler.encode_references([SHARP])
    file = tmp_path / "small.png"
    Image.fromarray(PICTURES[1]).save(file)
    given = [PICTURES[0], file, Image.fromarray(PICTURES[2]), PICTURES[3].astype(np.float32) / 255]
    found = list(upscaler.upscale_many(given, references))
    for source, result in zip(given, found, strict=True):
        alone = upscaler.upscale(source, references)
        np.testing.assert_array_equal(result.array, alone.array)
        assert type(result.as_input()) is type(alone.as_input())
        assert result.picture.source == alone.picture.source


def test_the_next_picture_is_read_before_it_is_requested(upscaler: Upscaler):
    read = threading.Event()

    class Watched(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            read.set()
            return super().read(size)

    buffer = io.BytesIO()
    Image.fromarray(PICTURES[1]).save(buffer, "png")
    results = upscaler.upscale_many([PICTURES[0], Watched(buffer.getvalue()), PICTURES[2]])
    next(results)
    assert read.wait(PATIENCE)
    assert len(list(results)) == 2


def test_an_endless_row_of_pictures_can_be_left(upscaler: Upscaler):
    taken = []

    def endless():
        for number in itertools.count():
            taken.append(number)
            yield PICTURES[number % 4]

    results = upscaler.upscale_many(endless(), ahead=2)
    assert next(results).array.shape == (96, 80, 3)
    results.close()
    assert taken == [0, 1, 2]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("srntt-")]


def test_many_pictures_of_any_size_and_strength(upscaler: Upscaler):
    sharp = np.kron(PICTURES[0], np.ones((4, 4, 1), np.uint8))
    (half,) = upscaler.upscale_many(PICTURES[:1], [sharp], scale=2, strength=0)
    assert half.array.shape == (48, 40, 3)
    assert (half.array == upscaler.upscale(PICTURES[0], scale=2).array).all()
    (wide,) = upscaler.upscale_many(PICTURES[:1], size=(50, None))
    assert wide.image.width == 50


def test_a_nameless_file_is_named_as_a_file(upscaler: Upscaler):
    with tempfile.SpooledTemporaryFile() as uploaded:
        uploaded.write(b"no picture")
        uploaded.seek(0)
        with pytest.raises(PictureError, match=r"^<file>: "):
            upscaler.upscale(uploaded)


def test_one_reference_is_singular(upscaler: Upscaler):
    assert "from 1 reference in" in repr(upscaler.upscale(PICTURES[0], [PICTURES[1]]))
    assert "from 0 references in" in repr(upscaler.upscale(PICTURES[0]))


def test_an_error_comes_in_the_place_of_its_picture(upscaler: Upscaler):
    results = upscaler.upscale_many([PICTURES[0], b"no picture", PICTURES[1]])
    assert next(results).array.shape == (96, 80, 3)
    with pytest.raises(PictureError):
        next(results)
    assert list(results) == []
    with pytest.raises(InputError, match="ahead is 0"):
        upscaler.upscale_many([], ahead=0)
