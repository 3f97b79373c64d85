"""Open files: read from where they stand, no further than the limit, left open; every mistake named."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from image.pictures import waves
from PIL import Image

from srntt.errors import InputError, PictureError
from srntt.image import Limits, load, load_content

PIXELS = waves(5, 4, 3)


@pytest.fixture
def png() -> bytes:
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, "PNG")
    return file.getvalue()


class Slow(io.RawIOBase):
    """Gives seven bytes at a time, as a connection may; counts what was asked for."""

    def __init__(self, content: bytes) -> None:
        self.left, self.given = content, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        part, self.left = self.left[: min(7, len(buffer))], self.left[min(7, len(buffer)) :]
        buffer[: len(part)] = part
        self.given += len(part)
        return len(part)


def test_files_in_memory_on_disk_in_archives_and_on_the_way(png: bytes, tmp_path: Path):
    (tmp_path / "a.png").write_bytes(png)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.png", png)
    with (
        open(tmp_path / "a.png", "rb") as file,
        zipfile.ZipFile(tmp_path / "a.zip") as archive,
        archive.open("a.png") as member,
    ):
        for source in (io.BytesIO(png), file, member, Slow(png)):
            np.testing.assert_array_equal(load(source).color, PIXELS)
            assert not source.closed
        assert load(io.BytesIO(png)).source == "<file>"
        file.seek(0)
        assert load(file).source == str(tmp_path / "a.png")


def test_it_is_read_from_where_it_stands(png: bytes):
    file = io.BytesIO(b"before" + png)
    file.seek(6)
    np.testing.assert_array_equal(load(file).color, PIXELS)
    with pytest.raises(PictureError, match=r"<file>: nothing is left to read.*file\.seek\(0\)"):
        load(file)


def test_no_more_is_read_than_the_limit_and_a_byte(png: bytes):
    endless = Slow(png * 100)
    with pytest.raises(PictureError, match="the limit is 50"):
        load(endless, limits=Limits(max_bytes=50))
    assert endless.given == 51


def test_text_and_closed_files_are_named(png: bytes, tmp_path: Path):
    with pytest.raises(InputError, match=r"Open it as bytes: open\(path, 'rb'\)"):
        load(io.StringIO("text"))  # pyright: ignore[reportArgumentType]
    file = io.BytesIO(png)
    file.close()
    with pytest.raises(PictureError, match="cannot be read: I/O operation on closed file"):
        load(file)


def test_content_that_was_read_already_is_named_after_its_file(png: bytes):
    picture = load_content(png, "album/a.png")
    assert picture.source == "album/a.png"
    assert np.array_equal(picture.color, load(png).color)
    for content in (b"", png[:60]):
        with pytest.raises(PictureError, match=r"^album/a\.png: "):
            load_content(content, "album/a.png")
    with pytest.raises(PictureError, match=r"album/a\.png.*the limit is 10"):
        load_content(png, "album/a.png", limits=Limits(max_bytes=10))
