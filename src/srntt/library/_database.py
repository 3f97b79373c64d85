"""The file of a library: created whole, opened with caution, and its errors explained."""

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path

from srntt._files import make_folder, whole_file
from srntt._system import READING
from srntt.errors import InputError, OutputError

_APPLICATION = 0x53524C42  #: "SRLB", in the header of the file
_FORMAT = 1  #: to be increased when tables, descriptors or keypoints change

_TABLES = (
    "CREATE TABLE folder (path BLOB PRIMARY KEY) STRICT",
    "CREATE TABLE photograph (id INTEGER PRIMARY KEY, sha256 BLOB NOT NULL UNIQUE, height INTEGER NOT NULL, "
    "width INTEGER NOT NULL, descriptor BLOB NOT NULL) STRICT",
    "CREATE TABLE keypoints (photograph INTEGER PRIMARY KEY, packed BLOB NOT NULL) STRICT",
    "CREATE TABLE file (path BLOB PRIMARY KEY, size INTEGER NOT NULL, modified INTEGER NOT NULL, "
    "photograph INTEGER NOT NULL) STRICT",
    "CREATE INDEX file_photograph ON file (photograph)",
)
"""``file`` has one row for each path; files of the same content share a row of ``photograph``. Paths are bytes, as the
file system has them; ``modified`` is in nanoseconds. Keypoints are apart, so that descriptors are read quickly."""

_MAGIC = b"SQLite format 3\0"
_HEADER = 100  # bytes (sqlite.org/fileformat.html, 1.3)
_LONGEST = 2**20  # bytes of a value: a path, a descriptor or keypoints; what a hostile file has beyond it is an error
_WAIT_SECONDS = 30.0


@contextmanager
def reading(path: Path, wait: float = _WAIT_SECONDS) -> Iterator[sqlite3.Connection]:
    """Open a library for reading; the block sees one state of it, whatever other processes write.

    Raises:
        InputError: There is no library, or the file is damaged or something else.
        OutputError: It cannot be read.
    """
    with _explained(path), _connected(path, wait, writable=False) as connection:
        connection.execute("BEGIN")
        try:
            yield connection
        finally:
            connection.execute("ROLLBACK")


@contextmanager
def opened_for_writing(path: Path, wait: float = _WAIT_SECONDS) -> Iterator[sqlite3.Connection]:
    """Open a library for writing, creating an empty one if there is none; write with `transaction`.

    Raises:
        InputError: The file is damaged or something else.
        OutputError: It cannot be written, or another process keeps it locked.
    """
    if not os.path.lexists(path):
        _create(path)
    with _explained(path), _connected(path, wait, writable=True) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        yield connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Write all of the block, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _create(path: Path) -> None:
    make_folder(path.parent)
    try:
        with whole_file(path, overwrite=False) as file:
            file.write(_empty_library())
    except OutputError:
        if not os.path.lexists(path):  # otherwise another process was faster
            raise


@cache
def _empty_library() -> bytes:
    """Content of a library without photographs."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        for command in (f"PRAGMA application_id = {_APPLICATION}", f"PRAGMA user_version = {_FORMAT}", *_TABLES):
            connection.execute(command)
        return connection.serialize()


def _has_our_tables(connection: sqlite3.Connection) -> bool:
    """Whether a file has these tables and nothing else: no triggers, views or generated columns."""
    found = connection.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL").fetchall()
    return sorted(sql for (sql,) in found) == sorted(_TABLES)


@contextmanager
def _connected(path: Path, wait: float, *, writable: bool) -> Iterator[sqlite3.Connection]:
    _check_header(path)
    fixed = not writable and not os.access(path.parent, os.W_OK)  # SQLite cannot place the files that readers share
    where = path.absolute().as_uri() + ("?immutable=1" if fixed else "?mode=rw")
    with closing(sqlite3.connect(where, uri=True, timeout=wait, isolation_level=None)) as connection:
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST)
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cell_size_check = ON")
        if not writable:
            connection.execute("PRAGMA query_only = ON")
        if not _has_our_tables(connection):
            raise _foreign(path, "has other tables than a library")
        yield connection


def _check_header(path: Path) -> None:
    """Refuse other files before SQLite opens them, which may change them."""
    try:
        descriptor = os.open(path, READING)
    except FileNotFoundError:
        raise InputError(f"There is no library at {path}. Create it with srntt library add FOLDER.") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: the library cannot be opened: {getattr(error, 'strerror', error)}.") from error
    try:
        regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
        header = os.read(descriptor, _HEADER) if regular else b""
    except OSError as error:
        raise InputError(f"{path}: the library cannot be read: {error.strerror}.") from error
    finally:
        os.close(descriptor)
    if not regular or len(header) < _HEADER or not header.startswith(_MAGIC):
        raise _foreign(path, "is not an SQLite file" if regular else "is not a regular file")
    if int.from_bytes(header[68:72], "big") != _APPLICATION:
        raise _foreign(path, "is an SQLite file of another program")
    if (version := int.from_bytes(header[60:64], "big")) != _FORMAT:
        raise InputError(
            f"{path}: is a library of format {version}, but this version of srntt reads format {_FORMAT}. Delete the "
            "file and add your folders again; your photographs are not affected."
        )


def _foreign(path: Path, what: str) -> InputError:
    return InputError(
        f"{path}: {what}. Nothing was changed. Give the file of a library, or the name of a new file, with "
        "--library-file."
    )


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Translate errors of SQLite.

    Raises:
        InputError: The file is damaged.
        OutputError: It is locked, on a full disk, or cannot be read or written.
    """
    try:
        yield
    except (sqlite3.Error, UnicodeDecodeError) as error:  # the latter where SQLite quotes damaged text
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise OutputError(
                f"{path}: is locked by another process. Try again when it has ended; nothing was lost."
            ) from error
        if code == sqlite3.SQLITE_FULL:
            raise OutputError(
                f"{path}: the disk is full. What was added before is kept. Free some space and add the folders again."
            ) from error
        if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_IOERR):
            raise OutputError(
                f"{path}: the library cannot be read or written: {error}. Check the disk and the permissions, or give "
                "another file with --library-file."
            ) from error
        raise InputError(
            f"{path}: the library is damaged: {error}. Delete the file and add your folders again; your photographs "
            "are not affected."
        ) from error
