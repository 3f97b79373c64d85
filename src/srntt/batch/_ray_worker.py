"""What runs on a cluster: workers, each an actor of Ray, and the actor through which they share encoded references."""

import asyncio
import pickle
import socket
from collections import Counter, OrderedDict
from dataclasses import dataclass, field, replace
from typing import Any

import numba
import torch

import srntt
from srntt.batch._encoded import Key
from srntt.batch._local_folder import UNFINISHED, LocalFolder
from srntt.batch._record import Record
from srntt.batch._tasks import Task
from srntt.batch._worker import Worker, WorkerSpec
from srntt.errors import InputError, MissingDependencyError, SrnttError
from srntt.upscale import References

_DEATHS = 4  # of workers, while they did the same picture: then it is taken to be the reason
_FETCH_SECONDS = _PATIENCE_SECONDS = 60.0
_MARK = f"{UNFINISHED}/this-run"
_CPU = torch.device("cpu")


class RayWorker:
    """What Ray Data calls with each row.

    Args:
        spec: a list of one object reference, of a `WorkerSpec`.
        board: handle of the `Board`.
        threads: that this process may use.
    """

    def __init__(self, spec: list[Any], board: Any, threads: int) -> None:
        self._board = board
        self._worker, self._unfit = None, None
        try:
            given: WorkerSpec = _ray().get(spec[0])
            check_here(given)
            torch.set_num_threads(threads)
            numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))  # pyright: ignore
            self._worker = Worker(given, ObjectStore(board))
        except SrnttError as error:  # raised here, it would be tried again for ever
            self._unfit = error

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """A pickled `Task` to a pickled `Record`."""
        return {"record": pickle.dumps(self._record(pickle.loads(row["task"])))}

    def _record(self, task: Task) -> Record:
        if self._worker is None:
            return Record(task.name, reason=str(self._unfit), fatal=type(self._unfit))  # pyright: ignore
        died = _ray().get(self._board.begin.remote(task.name))
        if died < _DEATHS:
            record = self._worker(task)
            record = replace(record, device=f"{record.device} of {socket.gethostname()}")
        else:
            record = Record(task.name, reason=f"{died} workers died while they did this picture; it was given up.")
        _ray().get(self._board.end.remote(task.name))
        return record


def mark(spec: WorkerSpec) -> None:
    """Leave a mark among the outputs, by which workers know the folder. Raises InputError for a relative path."""
    for where in (spec.batch.inputs, spec.batch.references, spec.batch.outputs):
        if isinstance(where, LocalFolder) and not where.path.is_absolute():
            raise InputError(f"{where}: workers have working folders of their own. Give an absolute path.")
    if isinstance(spec.batch.outputs, LocalFolder):
        (spec.batch.outputs.path / _MARK).touch()


def check_here(spec: WorkerSpec) -> None:
    """Refuse to work where outputs would be lost, or others.

    Raises:
        InputError: the outputs' folder is not the same here.
        MissingDependencyError: another srntt is installed here.
    """
    here, outputs = socket.gethostname(), spec.batch.outputs
    if srntt.__version__ != spec.version:
        raise MissingDependencyError(
            f"{here} has srntt {srntt.__version__}, the batch was begun with {spec.version}. Install one."
        )
    if isinstance(outputs, LocalFolder) and not (outputs.path / _MARK).exists():
        raise InputError(
            f"{outputs} on {here} is not the folder of that name where the batch was begun. Give one that all "
            "machines share, or a URL."
        )


def _ray() -> Any:
    import ray  # pyright: ignore[reportMissingImports]

    return ray


class ObjectStore:
    """A `ReferenceStore`: each encoded reference is once in Ray's object store, and the `Board` knows where."""

    def __init__(self, board: Any) -> None:
        self._board = board

    def find(self, key: Key) -> References | None:
        found = _ray().get(self._board.find.remote(key))
        try:
            return _ray().get(found[0], timeout=_FETCH_SECONDS) if found else None
        except _ray().exceptions.RayError:  # lost with the worker that had it
            self.give_up(key)
            return None

    def add(self, key: Key, references: References) -> None:
        portable = references.on(_CPU)
        _ray().get(self._board.add.remote(key, [_ray().put(portable)], portable.bytes))

    def give_up(self, key: Key) -> None:
        _ray().get(self._board.give_up.remote(key))


@dataclass
class _Entry:
    """An encoded reference: a list of one object reference, once it is settled whether there will be one."""

    settled: asyncio.Event = field(default_factory=asyncio.Event)
    content: list[Any] | None = None
    size: int = 0


class Board:
    """Which references are encoded, and who began what. One process holds it; others call it, many at once.

    Args:
        most: bytes of encoded references to keep in the object store; the least recently used go first.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._entries: OrderedDict[Key, _Entry] = OrderedDict()
        self._begun: Counter[str] = Counter()

    async def begin(self, name: str) -> int:
        """A worker begins a picture. Returns how many had before it and never came to its end: they died."""
        self._begun[name] += 1
        return self._begun[name] - 1

    async def end(self, name: str) -> None:
        """It has ended, well or not."""
        del self._begun[name]

    async def find(self, key: Key) -> list[Any] | None:
        """An encoded reference, as a list of one object reference, so that Ray does not fetch it here.

        None: the caller is to encode it, and to `add` or `give_up`. Whoever asks meanwhile waits, unless that takes so
        long that the caller may have died.
        """
        if key not in self._entries:
            self._entries[key] = _Entry()
            return None
        entry = self._entries[key]
        self._entries.move_to_end(key)
        try:
            await asyncio.wait_for(entry.settled.wait(), _PATIENCE_SECONDS)
        except TimeoutError:
            return None
        return entry.content

    async def add(self, key: Key, content: list[Any], size: int) -> None:
        """Here it is."""
        entry = self._entries.setdefault(key, _Entry())
        entry.content, entry.size = content, size
        entry.settled.set()
        while sum(one.size for one in self._entries.values()) > self._most:
            oldest = next((other for other, one in self._entries.items() if other != key and one.content), None)
            if oldest is None:
                break
            del self._entries[oldest]

    async def give_up(self, key: Key) -> None:
        """It cannot be encoded, or what was here is lost: those who wait are to encode it themselves."""
        if entry := self._entries.pop(key, None):
            entry.settled.set()
