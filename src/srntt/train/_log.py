"""The log of a run: a JSON line at each checkpoint, and TensorBoard's files if asked."""

import json
import sys
from pathlib import Path
from typing import Protocol, runtime_checkable

from srntt._files import write_bytes
from srntt.errors import MissingDependencyError, OutputError


@runtime_checkable
class Watcher(Protocol):
    """Follows a run."""

    def moved(self, share: float) -> None:
        """After each step: how much of the run is done, 0..1."""
        ...

    def logged(self, entry: dict[str, int | float]) -> None:
        """At each checkpoint: a line of the log."""
        ...


class PrintedLines:
    """Prints the log's lines on stderr, as JSON."""

    def moved(self, share: float) -> None:
        """Says nothing."""

    def logged(self, entry: dict[str, int | float]) -> None:
        """A line."""
        print(json.dumps(entry), file=sys.stderr, flush=True)


class Log:
    """Means of the terms of the loss over the steps since the line before, written with what else is known.

    Raises:
        MissingDependencyError: TensorBoard is asked for and not installed.
    """

    def __init__(self, folder: Path, watcher: Watcher, tensorboard: bool = False) -> None:
        self._file, self.watcher = folder / "log.jsonl", watcher
        self._sums: dict[str, tuple[float, int]] = {}
        self._lines = _whole_lines(self._file)
        self._board = _open_board(folder / "tensorboard") if tensorboard else None

    def add(self, terms: dict[str, float]) -> None:
        """Terms of one step; each is averaged over the steps that owed it."""
        for name, value in terms.items():
            total, count = self._sums.get(name, (0.0, 0))
            self._sums[name] = total + value, count + 1

    def write(self, step: int, entry: dict[str, float]) -> None:
        """A line with the means and the entry; the means of the next line start from zero, as in a resumed run."""
        means = {name: total / count for name, (total, count) in self._sums.items()}
        self._sums.clear()
        values = {name: round(value, 6) for name, value in (entry | means).items()}
        self._lines += json.dumps({"step": step, **values}).encode() + b"\n"
        try:
            write_bytes(self._file, self._lines)  # whole each time: killed or on a full disk, no half line stays
        except OutputError as error:
            whole = f"The checkpoint of step {step} is whole: make room, and continue with --resume."
            raise OutputError(f"{error} {whole}") from error
        self.watcher.logged({"step": step, **values})
        if self._board:
            for name, value in values.items():
                self._board.add_scalar(name, value, step)
            self._board.flush()


def _whole_lines(file: Path) -> bytes:
    """What is there already, but for a last line without an end."""
    content = file.read_bytes() if file.exists() else b""
    return content[: content.rfind(b"\n") + 1]


def _open_board(folder: Path):
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise MissingDependencyError.of_extra("TensorBoard is not installed", "tensorboard") from error
    return SummaryWriter(str(folder))
