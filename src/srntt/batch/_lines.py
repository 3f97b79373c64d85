"""JSON lines that are only ever appended to, and survive the death of whoever writes them.

The first line says what they are. Each other line is whole and stored before ``append`` returns. Anything else that
does not belong there is refused: better to stop than to build on a file that somebody else wrote.
"""

import json
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from srntt.batch._local_folder import LocalFolder
from srntt.batch._remote_folder import Place, RemoteFolder, reported
from srntt.errors import OutputError

_MOST_BYTES_OF_A_LINE = 2**22
_FLAGS = (
    os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
)
_MERGE = 64  # objects that are merged into one when they are opened the next time
_DIGITS = 12


class LocalLines:
    """JSON objects, one a line, in a file. Only the last one can be torn; it is then taken for unwritten.

    Args:
        path: of the file; made if it is not there.
        kind: what it holds; another kind is refused.

    Attributes:
        path: of the file.
        items: those that it held when it was opened.

    Raises:
        OutputError: it is something else, or cannot be read and written.
    """

    def __init__(self, path: Path, kind: str) -> None:
        self.path = os.fspath(path)
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
        with suppress(OSError):  # nothing is buffered: what was appended is on the disk
            self._file.close()

    def append(self, item: dict[str, Any]) -> None:
        """Add a line; it is stored when this returns. Raises OutputError if it cannot be written."""
        self._write(_encoded(item))

    def _opened(self) -> BinaryIO:
        try:
            descriptor = os.open(self.path, _FLAGS, 0o666)
        except OSError as error:
            raise OutputError(f"{self.path}: cannot be opened: {error.strerror}. Give another folder.") from error
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OutputError(f"{self.path}: is not a regular file. Move it away.")
        return open(descriptor, "r+b", buffering=0)

    def _read(self) -> list[dict[str, Any]]:
        """All items; ``self._end`` is then where the next line begins."""
        self._end, items = 0, []
        size = os.fstat(self._file.fileno()).st_size
        with open(self.path, "rb") as file:
            for number, line in enumerate(iter(lambda: file.readline(_MOST_BYTES_OF_A_LINE), b""), 1):
                item = _decoded(line)
                if item is None and self._end + len(line) == size and (number > 1 or self._head.startswith(line)):
                    break  # torn
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
            self._file.truncate()  # a torn line
            view = memoryview(line)
            while view:
                view = view[self._file.write(view) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            raise OutputError(f"{self.path}: cannot be written: {error.strerror}.") from error
        self._end += len(line)


class RemoteLines:
    """As `LocalLines`, behind a URL, where nothing can be appended to: objects ``NUMBER-TOKEN.jsonl``, in order.

    An object store shows an object whole or not at all, so no line is ever torn. ``merged-NUMBER-TOKEN.jsonl`` replaces
    all objects up to its number; some of them may still be there.

    Args:
        folder: of the objects; it need not exist.
        kind: what they hold; another kind is refused.

    Raises:
        OutputError: something else is there, or it cannot be read.
    """

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
        """Add a line; it is stored when this returns. Raises OutputError if it cannot be written."""
        self._write(f"{self._next:0{_DIGITS}}-{secrets.token_hex(4)}.jsonl", _encoded(item))
        self._next += 1

    def _names(self) -> list[str]:
        """Of the objects that count, in order."""
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
        """One object for many; whatever the moment at which this ends, no line is lost."""
        name = f"merged-{self._next - 1:0{_DIGITS}}-{secrets.token_hex(4)}.jsonl"
        self._write(name, b"".join(map(_encoded, self.items)))
        with reported(self.path, OutputError, "cannot be tidied up"):
            for old in names:
                self._files.rm_file(f"{self._folder}/{old}")


Lines = LocalLines | RemoteLines


@contextmanager
def open_lines(where: Place, name: str, kind: str) -> Iterator[Lines]:
    """Open JSON lines to append to, or begin them. Raises OutputError."""
    if isinstance(where, LocalFolder):
        with LocalLines(where.path / name, kind) as lines:
            yield lines
    else:
        yield RemoteLines(RemoteFolder(where.locate(name)), kind)


def refused(where: str, reason: str = "") -> OutputError:
    """The error of lines that no srntt wrote."""
    why = f" ({reason})" if reason else ""
    return OutputError(
        f"{where}: this is not what srntt wrote{why}. Move the file away (what it knew is then done again), or give "
        "another output folder."
    )


def _number(name: str) -> int:
    digits = name.removeprefix("merged-").partition("-")[0]
    return int(digits) if digits.isdecimal() else 0


def _encoded(item: dict[str, Any]) -> bytes:
    return json.dumps(item, sort_keys=True, allow_nan=False).encode() + b"\n"


def _decoded(line: bytes) -> dict[str, Any] | None:
    """None for a line that is torn or no JSON object."""
    if not line.endswith(b"\n"):
        return None
    try:
        item = json.loads(line, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return item if isinstance(item, dict) else None


def _refuse(constant: str) -> None:
    raise ValueError(constant)
