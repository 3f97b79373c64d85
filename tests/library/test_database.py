"""Files that are no libraries are refused unchanged; locks, full disks and damage are explained."""

import os
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from srntt.errors import InputError, OutputError
from srntt.library import Library
from srntt.library._database import opened_for_writing, reading, transaction


def _foreign(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE precious (text)")
        connection.execute("INSERT INTO precious VALUES ('kept')")
    connection.close()


def _more_tables(path: Path) -> None:
    Library(path).add([])
    connection = sqlite3.connect(path)
    connection.execute("CREATE TRIGGER evil AFTER INSERT ON file BEGIN DELETE FROM folder; END")
    connection.close()


def _other_format(path: Path) -> None:
    Library(path).add([])
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.write_bytes(b""), "is not an SQLite file"),
        (lambda path: path.write_bytes(b"x" * 5000), "is not an SQLite file"),
        (lambda path: path.write_bytes(b"SQLite format 3\0" + bytes(50)), "is not an SQLite file"),
        (_foreign, "is an SQLite file of another program"),
        (_more_tables, "has other tables than a library"),
        (_other_format, "is a library of format 99"),
        (os.mkfifo, "is not a regular file"),
        (Path.mkdir, "cannot be opened|is not a regular file"),
    ],
)
def test_other_files_are_refused_and_stay_as_they_are(tmp_path: Path, make, message: str):
    path = tmp_path / "library.sqlite"
    make(path)
    before = path.read_bytes() if path.is_file() else b""
    for use in (
        Library(path).info,
        lambda: Library(path).add([tmp_path]),
        lambda: Library(path).find(np.zeros((4, 4, 3), np.uint8)),
    ):
        with pytest.raises(InputError, match=message):
            use()
    assert (path.read_bytes() if path.is_file() else b"") == before


def test_damage_is_reported_and_nothing_is_deleted(library: Library, album: Path):
    library.add([album])
    content = bytearray(library.path.read_bytes())
    for page in range(1, len(content) // 4096):
        content[page * 4096 : page * 4096 + 200] = b"\xff" * 200
    library.path.write_bytes(content)
    with pytest.raises(InputError, match=r"is damaged.*Delete the file and add your folders again"):
        library.info()
    with pytest.raises(InputError, match="is damaged"):
        library.add([album])
    assert library.path.read_bytes() == content


def test_a_truncated_file_is_damaged(library: Library, album: Path):
    library.add([album])
    library.path.write_bytes(library.path.read_bytes()[:9000])
    with pytest.raises(InputError, match="is damaged"):
        library.add([album])


def test_a_lock_is_waited_for_and_then_reported(library: Library):
    library.add([])
    with opened_for_writing(library.path) as first, transaction(first):
        with reading(library.path) as reader:  # readers are not locked out
            assert reader.execute("SELECT count(*) FROM file").fetchone() == (0,)
        with (
            pytest.raises(OutputError, match="is locked by another process"),
            opened_for_writing(library.path, wait=0.05) as second,
            transaction(second),
        ):
            pass


def _fail_after(connection: sqlite3.Connection, command: str) -> None:
    with transaction(connection):
        connection.execute(command)
        raise KeyboardInterrupt


def test_what_fails_inside_a_transaction_is_undone(library: Library):
    library.add([])
    with opened_for_writing(library.path) as connection:
        with pytest.raises(KeyboardInterrupt):
            _fail_after(connection, "INSERT INTO folder VALUES (x'00')")
        assert not connection.in_transaction
    assert library.info().folders == ()


def test_a_read_only_folder_can_be_searched(library: Library, album: Path, small):
    library.add([album])
    library.path.parent.chmod(0o555)
    try:
        if os.access(library.path.parent, os.W_OK):
            pytest.skip("this user may write everywhere")
        assert library.find(small).choices
    finally:
        library.path.parent.chmod(0o755)


def test_the_default_place_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.delenv("SRNTT_LIBRARY", raising=False)
    assert Library().path == tmp_path / "srntt" / "library.sqlite"
    monkeypatch.setenv("SRNTT_LIBRARY", str(tmp_path / "mine.sqlite"))
    assert Library().path == tmp_path / "mine.sqlite"
