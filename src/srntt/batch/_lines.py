"""A file of JSON lines that is only ever appended to, and survives the death of whoever writes it.

The first line says what the file is. Each other line is whole and on the disk before ``append`` returns, so that at
most the last one can be torn; it is then taken for unwritten. Anything else that does not belong there is refused:
better to stop than to build on a file that somebody else wrote.
"""

import json
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from srntt.errors import OutputError

_MOST_BYTES_OF_A_LINE = 2**22
_FLAGS = (
    os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
)


class Lines:
    """JSON objects, one a line.

    Args:
        path: of the file; made if it is not there.
        kind: what it holds; another kind is refused.

    Attributes:
        items: those that it held when it was opened.

    Raises:
        OutputError: it is something else, or cannot be read and written.
    """

    def __init__(self, path: Path, kind: str) -> None:
        self.path = path
        self._head = encoded({"srntt": kind, "version": 1})
        self._file = self._opened()
        try:
            self.items = self._read()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> "Lines":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with suppress(OSError):  # nothing is buffered: what was appended is on the disk
            self._file.close()

    def append(self, item: dict[str, Any]) -> None:
        """Add a line; it is on the disk when this returns.

        Raises:
            OutputError: it cannot be written.
        """
        self._write(encoded(item))

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
            for number, line in enumerate(_lines_of(file), 1):
                item = decoded(line)
                if item is None and self._end + len(line) == size and (number > 1 or self._head.startswith(line)):
                    break  # torn
                if item is None or (number == 1 and line != self._head):
                    raise OutputError(
                        f"{self.path}, line {number}: this is not what srntt wrote. Move the file away (what it "
                        "knew is then done again), or give another output folder."
                    )
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


def _lines_of(file: BinaryIO) -> Iterator[bytes]:
    while line := file.readline(_MOST_BYTES_OF_A_LINE):
        yield line


def encoded(item: dict[str, Any]) -> bytes:
    """A line."""
    return json.dumps(item, sort_keys=True, allow_nan=False).encode() + b"\n"


def decoded(line: bytes) -> dict[str, Any] | None:
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
