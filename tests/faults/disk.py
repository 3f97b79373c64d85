"""A disk that fails at a chosen moment: the operations of this process are counted, and one of them is disturbed."""

import builtins
import errno
import io
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_ACTS = {"replace": "rename", "rename": "rename", "link": "link", "mkdir": "mkdir", "fsync": "fsync"}


class Disk:
    """Counts openings for writing, writes, flushes, renames, links, new folders and removals.

    Args:
        wrong: called with the name of an act before it is done (of a write: when half of it is done) ...
        at: ... whose number, from 1, is this; 0: of none.
        forever: and of every later one, too.
        record: file that the acts are named in, one a line.
    """

    def __init__(
        self,
        wrong: Callable[[str], None] = lambda act: None,
        at: int = 0,
        *,
        forever: bool = False,
        record: Path | None = None,
    ) -> None:
        self.wrong, self._at, self._forever = wrong, at, forever
        self._record = None if record is None else os.open(record, os.O_WRONLY | os.O_CREAT)
        self._count = 0

    def due(self, act: str) -> bool:
        """Count an operation; return whether it fails."""
        self._count += 1
        if self._record is not None:
            os.write(self._record, f"{act}\n".encode())
        return self._at > 0 and (self._count == self._at or (self._forever and self._count > self._at))

    def step(self, act: str) -> None:
        """An operation begins."""
        if self.due(act):
            self.wrong(act)

    def install(self) -> None:
        """Replace the disk of this process, until it ends."""
        real_os = {name: getattr(os, name) for name in (*_ACTS, "unlink", "open")}

        def counted(name: str, act: str) -> Callable[..., Any]:
            def call(*arguments: Any, **named: Any) -> Any:
                self.step(act)
                return real_os[name](*arguments, **named)

            return call

        for name, act in (_ACTS | {"unlink": "remove"}).items():
            setattr(os, name, counted(name, act))
        os.open = self._os_open(real_os["open"])  # pyright: ignore
        builtins.open = io.open = self._open(builtins.open)  # pyright: ignore

    def _os_open(self, real: Callable[..., int]) -> Callable[..., int]:
        def opened(path: Any, flags: int, *arguments: Any, **named: Any) -> int:
            if flags & _WRITING and _counts(path):
                self.step("open")
            return real(path, flags, *arguments, **named)

        return opened

    def _open(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def opened(file: Any, mode: str = "r", buffering: int = -1, *arguments: Any, **named: Any) -> Any:
            if not set(mode) & set("wax+") or not _counts(file):
                return real(file, mode, buffering, *arguments, **named)
            if not isinstance(file, int):
                self.step("open")
            raw = _Raw(self, file, mode.replace("b", "").replace("t", ""))
            if buffering == 0:
                return raw
            buffered = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
            return buffered if "b" in mode else io.TextIOWrapper(buffered, *arguments, **named)

        return opened


class _Raw(io.FileIO):
    def __init__(self, disk: Disk, file: Any, mode: str) -> None:
        super().__init__(file, mode)
        self._disk = disk

    def write(self, content: Any) -> int:
        if self._disk.due("write"):
            whole = memoryview(content).cast("B")
            super().write(whole[: len(whole) // 2])
            self._disk.wrong("write")
            return len(whole) // 2
        return super().write(content)


def kill(act: str) -> None:
    """End this process as kill -9 does."""
    os.kill(os.getpid(), signal.SIGKILL)


def fail_with(number: int) -> Callable[[str], None]:
    """The error of a disk; a full disk still removes files."""

    def fail(act: str) -> None:
        if act != "remove" or number not in (errno.ENOSPC, errno.EDQUOT):
            raise OSError(number, os.strerror(number))

    return fail


def _counts(file: Any) -> bool:
    """Neither devices nor compiled code."""
    if isinstance(file, int):
        return True
    path = os.path.abspath(os.fsdecode(file))
    return path.startswith(str(Path.cwd() / "out") + os.sep) or path.startswith(str(Path.cwd() / "home" / "srntt"))
