"""The log of a run: a JSON line at each checkpoint, and TensorBoard's files if asked."""

import json
import sys
from pathlib import Path

from srntt.errors import MissingDependencyError

_MEMORY = 0.98  # of the running means


class Log:
    """Running means of the terms of the loss, written beside what else is known.

    Args:
        folder: of the run.
        tensorboard: write for TensorBoard, too.

    Raises:
        MissingDependencyError: TensorBoard is not installed.
    """

    def __init__(self, folder: Path, tensorboard: bool = False) -> None:
        self._file = folder / "log.jsonl"
        self._means: dict[str, float] = {}
        self._board = _open_board(folder / "tensorboard") if tensorboard else None

    def add(self, terms: dict[str, float]) -> None:
        """Terms of one step; each is averaged over the steps that owed it."""
        for name, value in terms.items():
            self._means[name] = _MEMORY * self._means.get(name, value) + (1 - _MEMORY) * value

    def write(self, step: int, entry: dict[str, float]) -> None:
        """A line with the means and the entry; shown on stderr, too."""
        values = {name: round(value, 6) for name, value in (entry | self._means).items()}
        line = json.dumps({"step": step, **values})
        with self._file.open("a") as log:
            log.write(line + "\n")
        print(line, file=sys.stderr, flush=True)
        if self._board:
            for name, value in values.items():
                self._board.add_scalar(name, value, step)
            self._board.flush()


def _open_board(folder: Path):
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise MissingDependencyError("TensorBoard is not installed: pip install 'srntt[tensorboard]'.") from error
    return SummaryWriter(str(folder))
