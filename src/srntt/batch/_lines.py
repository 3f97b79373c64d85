"""Append-only JSON lines that survive a crash of the writing process.

The first line states their kind. Every further line is complete and stored when ``append`` returns. Any other content
is an error, because the file was then not written by srntt.
"""

import json
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from srntt._system import WRITING
from srntt.batch._local_folder import LocalFolder
from srntt.batch._remote_folder import Place, RemoteFolder, reported
from srntt.errors import OutputError

_MOST_BYTES_OF_A_LINE = 2**22
_MERGE = 64  # number of objects from which they are merged into one when opened
_DIGITS = 12


class LocalLines:
    """JSON objects in a file, one per line. Only the last line can be incomplete; it is then ignored.

    Args:
        path: Path of the file; created if it does not exist.
        kind: Kind of content; a file of another kind is an error.

    Attributes:
        path: Path of the file.
        items: Objects that the file contained when it was opened.
        notes: Report of an incomplete last line.

    Raises:
        OutputError: The file has other content, or cannot be read and written.
    """

    def __init__(self, path: Path, kind: str) -> None:
        self.path = os.fspath(path)
        self.notes: tuple[str, ...] = ()
        self._head = _encoded({"srntt": kind, "version": 1})
        self._file = self._opened()
        try:
            self.items = self._read()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> "LocalLines":
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # nothing is buffered: all lines are on disk
            self._file.close()

    def append(self, item: dict[str, Any]) -> None:
        """Append a line, which is stored when this returns; raise OutputError if it cannot be written."""
        self._write(_encoded(item))

    def _opened(self) -> BinaryIO:
        try:
            descriptor = os.open(self.path, WRITING, 0o666)
        except OSError as error:
            raise OutputError(f"{self.path}: cannot be opened: {error.strerror}. Give another folder.") from error
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OutputError(f"{self.path}: is not a regular file. Move it away.")
        return open(descriptor, "r+b", buffering=0)

    def _read(self) -> list[dict[str, Any]]:
        """Read all items, and set ``self._end`` to the offset of the next line."""
        self._end, items = 0, []
        size = os.fstat(self._file.fileno()).st_size
        with open(self.path, "rb") as file:
            for number, line in enumerate(iter(lambda: file.readline(_MOST_BYTES_OF_A_LINE), b""), 1):
                item = _decoded(line)
                if item is None and self._end + len(line) == size and (number > 1 or self._head.startswith(line)):
                    self.notes = (f"{self.path}: line {number} is incomplete and was ignored",)
                    break
                if item is None or (number == 1 and line != self._head):
                    raise refused(f"{self.path}, line {number}")
                self._end += len(line)
                items.append(item)
        if not items:
            self._write(self._head)
        return items[1:]

    def _write(self, line: bytes) -> None:
        try:
            self._file.seek(self._end)
            self._file.truncate()  # removes an incomplete line
            view = memoryview(line)
            while view:
                view = view[self._file.write(view) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            raise OutputError(f"{self.path}: cannot be written: {error.strerror}.") from error
        self._end += len(line)


class RemoteLines:
    """Like `LocalLines`, in an object store, which cannot append: objects ``NUMBER-TOKEN.jsonl``, in order.

    Object stores write objects atomically, so that no line is incomplete. ``merged-NUMBER-TOKEN.jsonl`` replaces all
    objects up to its number, some of which may still exist.

    Args:
        folder: Folder of the objects; it may not exist yet.
        kind: Kind of content; another kind is an error.

    Raises:
        OutputError: The folder has other content, or cannot be read.
    """

    notes: tuple[str, ...] = ()

    def __init__(self, folder: RemoteFolder, kind: str) -> None:
        self.path = folder.url
        self._head = _encoded({"srntt": kind, "version": 1})
        self._files, self._folder = folder.files, folder.root
        with reported(self.path, OutputError, "cannot be read"):
            names = self._names()
            self.items = [item for name in names for item in self._read(name)]
        self._next = 1 + max((_number(name) for name in names), default=0)
        if len(names) >= _MERGE:
            self._merge(names)

    def append(self, item: dict[str, Any]) -> None:
        """Append a line, which is stored when this returns; raise OutputError if it cannot be written."""
        self._write(f"{self._next:0{_DIGITS}}-{secrets.token_hex(4)}.jsonl", _encoded(item))
        self._next += 1

    def _names(self) -> list[str]:
        """Return the names of the objects that are not superseded, in order."""
        found = self._files.find(self._folder)
        names = sorted((path.rpartition("/")[2] for path in found if path.endswith(".jsonl")), key=_number)
        merged = [name for name in names if name.startswith("merged-")]
        last = merged[-1:]
        return last + [name for name in names if name not in merged and (not last or _number(name) > _number(last[0]))]

    def _read(self, name: str) -> Iterator[dict[str, Any]]:
        content = bytes(self._files.cat_file(f"{self._folder}/{name}"))  # pyright: ignore
        head, *rest = content.splitlines(keepends=True) or [b""]
        for item in map(_decoded, rest if head == self._head else [b""]):
            if item is None:
                raise refused(f"{self.path}/{name}")
            yield item

    def _write(self, name: str, lines: bytes) -> None:
        with reported(f"{self.path}/{name}", OutputError, "cannot be written"):
            self._files.makedirs(self._folder, exist_ok=True)
            self._files.pipe_file(f"{self._folder}/{name}", self._head + lines)

    def _merge(self, names: list[str]) -> None:
        """Merge many objects into one; no line is lost if this is interrupted."""
        name = f"merged-{self._next - 1:0{_DIGITS}}-{secrets.token_hex(4)}.jsonl"
        self._write(name, b"".join(map(_encoded, self.items)))
        with reported(self.path, OutputError, "cannot be tidied up"):
            for old in names:
                self._files.rm_file(f"{self._folder}/{old}")


Lines = LocalLines | RemoteLines


@contextmanager
def open_lines(where: Place, name: str, kind: str) -> Iterator[Lines]:
    """Open JSON lines for appending, creating them if necessary; raise OutputError on failure."""
    if isinstance(where, LocalFolder):
        with LocalLines(where.path / name, kind) as lines:
            yield lines
    else:
        yield RemoteLines(RemoteFolder(where.locate(name)), kind)


def refused(where: str, reason: str = "") -> OutputError:
    """Return the error for content that srntt did not write."""
    why = f" ({reason})" if reason else ""
    return OutputError(
        f"{where}: not written by srntt{why}. Move the file away (the pictures it lists are then processed again), or "
        "give another output folder."
    )


def _number(name: str) -> int:
    digits = name.removeprefix("merged-").partition("-")[0]
    return int(digits) if digits.isdecimal() else 0


def _encoded(item: dict[str, Any]) -> bytes:
    return json.dumps(item, sort_keys=True, allow_nan=False).encode() + b"\n"


def _decoded(line: bytes) -> dict[str, Any] | None:
    """Decode a line; return None if it is incomplete or not a JSON object."""
    if not line.endswith(b"\n"):
        return None
    try:
        item = json.loads(line, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return item if isinstance(item, dict) else None


def _refuse(constant: str) -> None:
    raise ValueError(constant)
