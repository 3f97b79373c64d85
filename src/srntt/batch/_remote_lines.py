"""JSON lines behind a URL, where nothing can be appended to: each line is an object, until many are merged."""

import secrets
from types import TracebackType
from typing import Any

from srntt.batch._lines import decoded, encoded
from srntt.batch._place import Remote, said_of
from srntt.errors import OutputError

_MERGE = 64  # objects that are merged into one when they are opened the next time
_DIGITS = 12


class RemoteLines:
    """As `Lines`, in a folder of objects ``NUMBER-TOKEN.jsonl``, in the order of their numbers.

    An object store shows an object whole or not at all, so no line is ever torn. ``merged-NUMBER-TOKEN.jsonl`` stands
    for all up to its number, which may be there still.

    Args:
        folder: of the objects; it need not exist.
        kind: what they hold; another kind is refused.

    Attributes:
        path: the folder.
        items: those that it held when it was opened.

    Raises:
        OutputError: something else is there, or it cannot be read.
    """

    def __init__(self, folder: Remote, kind: str) -> None:
        self.path = folder
        self._head = encoded({"srntt": kind, "version": 1})
        with said_of(folder, OutputError, "cannot be read"):
            names = self._names()
            self.items = [item for name in names for item in self._read(name)]
        self._next = 1 + max((_number(name) for name in names), default=0)
        if len(names) >= _MERGE:
            self._merge(names)

    def __enter__(self) -> "RemoteLines":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        pass  # nothing is open

    def append(self, item: dict[str, Any]) -> None:
        """Add a line; it is there when this returns.

        Raises:
            OutputError: it cannot be written.
        """
        self._write(f"{self._next:0{_DIGITS}}-{secrets.token_hex(4)}.jsonl", encoded(item))
        self._next += 1

    def _names(self) -> list[str]:
        """Of the objects that count, in order."""
        found = self.path.files.find(self.path.path)
        names = sorted((path.rpartition("/")[2] for path in found if path.endswith(".jsonl")), key=_number)
        merged = [name for name in names if name.startswith("merged-")]
        last = merged[-1:]
        return last + [name for name in names if name not in merged and (not last or _number(name) > _number(last[0]))]

    def _read(self, name: str) -> list[dict[str, Any]]:
        content = bytes(self.path.files.cat_file(f"{self.path.path}/{name}"))  # pyright: ignore
        head, *rest = content.splitlines(keepends=True) or [b""]
        items = [decoded(line) for line in rest]
        if head != self._head or None in items:
            raise OutputError(
                f"{self.path / name}: this is not what srntt wrote. Remove it (what it knew is then done again), or "
                "give another output folder."
            )
        return [item for item in items if item is not None]

    def _write(self, name: str, lines: bytes) -> None:
        with said_of(self.path / name, OutputError, "cannot be written"):
            self.path.files.makedirs(self.path.path, exist_ok=True)
            self.path.files.pipe_file(f"{self.path.path}/{name}", self._head + lines)

    def _merge(self, names: list[str]) -> None:
        """One object for many; whatever the moment at which this ends, no line is lost."""
        name = f"merged-{self._next - 1:0{_DIGITS}}-{secrets.token_hex(4)}.jsonl"
        self._write(name, b"".join(map(encoded, self.items)))
        with said_of(self.path, OutputError, "cannot be tidied up"):
            for old in names:
                self.path.files.rm_file(f"{self.path.path}/{old}")


def _number(name: str) -> int:
    digits = name.removeprefix("merged-").partition("-")[0]
    return int(digits) if digits.isdecimal() else 0
