"""Tables of a library, as one SQLite file."""

import sqlite3
from functools import cache

APPLICATION = 0x53524C42  #: "SRLB", in the header of the file
FORMAT = 1  #: to be increased when tables, descriptors or keypoints change

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


@cache
def empty_library() -> bytes:
    """Content of a library without photographs."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        for command in (f"PRAGMA application_id = {APPLICATION}", f"PRAGMA user_version = {FORMAT}", *_TABLES):
            connection.execute(command)
        return connection.serialize()
    finally:
        connection.close()


def has_our_tables(connection: sqlite3.Connection) -> bool:
    """Whether a file has these tables and nothing else: no triggers, views or generated columns."""
    found = connection.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL").fetchall()
    return sorted(sql for (sql,) in found) == sorted(_TABLES)
