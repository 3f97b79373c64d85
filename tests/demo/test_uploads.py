"""The folder of uploads: its limit, also for many at once, and what is deleted in it."""

import os
import time
from pathlib import Path

import pytest

from srntt.demo._uploads import Uploads


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a hash").mkdir()
    (tmp_path / "a hash" / "whole.png").write_bytes(bytes(100_000))
    (tmp_path / "tmp1").write_bytes(bytes(5000))
    return tmp_path


def make_older(path: Path, seconds: float) -> None:
    os.utime(path, (time.time() - seconds,) * 2)


def test_what_is_there_and_what_is_on_its_way_counts(folder: Path) -> None:
    uploads = Uploads(folder, 200_000)
    uploads.tidy()
    there = 100_000 + 5000 + 2 * 4096
    assert uploads.has_room(200_000 - there)
    assert not uploads.has_room(200_001 - there)
    with uploads.taking(50_000), uploads.taking(20_000):
        assert uploads.has_room(130_000 - there)
        assert not uploads.has_room(130_001 - there)
    assert not uploads.has_room(130_001 - there), "they are there now"
    uploads.tidy()
    assert uploads.has_room(200_000 - there), "they are not: they broke off at once"


def test_an_upload_that_ends_while_others_are_counted_counts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uploads = Uploads(folder, 300_000)

    def looked_at(root: Path) -> int:
        with uploads.taking(100_000):
            return 120_000

    monkeypatch.setattr("srntt.demo._uploads._tidied", looked_at)
    uploads.tidy()
    assert uploads.has_room(80_000)
    assert not uploads.has_room(80_001)


def test_an_upload_that_fails_gives_its_place_back(folder: Path) -> None:
    uploads = Uploads(folder, 300_000)
    with pytest.raises(ZeroDivisionError), uploads.taking(250_000):
        _ = 1 / 0
    uploads.tidy()
    assert uploads.has_room(150_000)


def test_many_small_files_count_as_what_they_take(tmp_path: Path) -> None:
    for number in range(100):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "small.png").write_bytes(b"x")
    uploads = Uploads(tmp_path, 900_000)
    uploads.tidy()
    assert not uploads.has_room(900_000 - 200 * 4096)


def test_uploads_that_broke_off_go_and_those_that_still_come_stay(folder: Path) -> None:
    make_older(folder / "tmp1", 601)
    make_older(folder / "a hash" / "whole.png", 5000)
    (folder / "tmp2").write_bytes(b"just now")
    Uploads(folder, 1).tidy()
    assert sorted(path.name for path in folder.rglob("*")) == ["a hash", "tmp2", "whole.png"]


def test_empty_folders_go_but_not_those_that_were_just_made(folder: Path) -> None:
    for name, seconds in (("old", 61), ("new", 0)):
        (folder / name).mkdir()
        make_older(folder / name, seconds)
    make_older(folder / "a hash", 61)
    make_older(folder, 5000)
    Uploads(folder, 1).tidy()
    assert sorted(path.name for path in folder.iterdir()) == ["a hash", "new", "tmp1"]


def test_a_folder_that_is_not_there_yet_is_empty(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path / "none", 100)
    uploads.tidy()
    assert uploads.has_room(100)
