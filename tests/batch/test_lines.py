"""A file of lines that survives a torn write and refuses what somebody else wrote."""

import json
import os
import sys
from pathlib import Path

import pytest

from srntt.batch._lines import LocalLines
from srntt.errors import OutputError

KIND = "batch manifest"


def written(path: Path, *items: dict) -> bytes:
    with LocalLines(path, KIND) as lines:
        for item in items:
            lines.append(item)
    return path.read_bytes()


def read(path: Path) -> list[dict]:
    with LocalLines(path, KIND) as lines:
        return lines.items


def test_what_was_appended_is_read(tmp_path: Path):
    path = tmp_path / "x.jsonl"
    items = [{"name": "bl\udce4ue\n.png"}, {"a": [1, None, 0.5]}]
    written(path, items[0])
    written(path, items[1])
    assert read(path) == items
    assert path.read_bytes().count(b"\n") == 3


@pytest.mark.parametrize("items", [[], [{"n": 1}]])
def test_a_full_disk_is_reported_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, items: list[dict]):
    def full(_: int) -> None:
        raise OSError(28, os.strerror(28))

    with LocalLines(tmp_path / "old.jsonl", KIND) as old:
        monkeypatch.setattr(os, "fsync", full)
        path = tmp_path / ("old.jsonl" if items else "new.jsonl")
        with pytest.raises(OutputError, match=rf"{path.name}: cannot be written: No space left on device\."):
            old.append(items[0]) if items else LocalLines(path, KIND)


def test_torn_anywhere_the_last_line_is_unwritten_and_the_next_takes_its_place(tmp_path: Path):
    path = tmp_path / "x.jsonl"
    whole = written(path, {"n": 1}, {"n": 2})
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        kept = [item for item in ({"n": 1}, {"n": 2}) if len(written_until(whole, item)) <= end]
        with LocalLines(path, KIND) as lines:
            assert lines.items == kept
            torn = end > 0 and not whole[:end].endswith(b"\n")
            assert lines.notes == ((f"{path}: line {whole[:end].count(10) + 1} is incomplete and was ignored",) * torn)
        written(path, {"n": 3})
        assert read(path) == [*kept, {"n": 3}]


def written_until(whole: bytes, item: dict) -> bytes:
    line = json.dumps(item).encode() + b"\n"
    return whole[: whole.index(line) + len(line)]


def test_a_last_line_of_zeros_after_a_power_cut_is_unwritten(tmp_path: Path):
    path = tmp_path / "x.jsonl"
    whole = written(path, {"n": 1})
    for tail in (b"\0" * 40, b"\0" * 40 + b"\n"):
        path.write_bytes(whole + tail)
        assert read(path) == [{"n": 1}]


@pytest.mark.parametrize(
    "content",
    [
        b"my own notes\n",
        b"my own notes",
        b'{"srntt": "batch manifest", "version": 2}\n',
        b'{"srntt": "batch descriptors", "version": 1}\n',
        b"[1]\n[2]\n",
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        b"\0" * 100,
    ],
)
def test_another_file_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes):
    path = tmp_path / "x.jsonl"
    path.write_bytes(content)
    with pytest.raises(OutputError, match=r"x\.jsonl, line 1: not written by srntt\. Move the file away"):
        read(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    "line", [b"not JSON", b"[]", b'{"n": NaN}', b"[" * 100_000, b'{"n": ' + b"1" * 5000 + b"}", b"x" * 5_000_000]
)
def test_a_foreign_line_in_between_is_refused(tmp_path: Path, line: bytes):
    path = tmp_path / "x.jsonl"
    whole = written(path, {"n": 1})
    path.write_bytes(whole + line + b'\n{"n": 2}\n')
    with pytest.raises(OutputError, match="line 3: not written by srntt"):
        read(path)


@pytest.mark.skipif(sys.platform == "win32", reason="no FIFOs there, and links need a privilege")
def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path: Path):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "real").write_bytes(b"")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "folder").mkdir()
    for name in ("fifo", "link", "folder"):
        with pytest.raises(OutputError, match=name):
            LocalLines(tmp_path / name, KIND)
    assert (tmp_path / "real").read_bytes() == b""
