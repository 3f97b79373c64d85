"""Ray actors: workers, and the board through which they share encoded references."""

import asyncio
import pickle
import socket
from collections import Counter, OrderedDict
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

import srntt
from srntt._shapes import Float
from srntt.batch._cluster import use_threads
from srntt.batch._encoded import Key
from srntt.batch._library_references import LibraryReferences
from srntt.batch._local_folder import UNFINISHED, LocalFolder
from srntt.batch._record import Record
from srntt.batch._tasks import Task
from srntt.batch._worker import Worker, WorkerSpec
from srntt.errors import InputError, MissingDependencyError, SrnttError
from srntt.library import Nearest
from srntt.upscale import References

_DEATHS = 4  # workers that died during a picture before it is considered the cause
_FETCH_SECONDS = _PATIENCE_SECONDS = 60.0
_MARK = f"{UNFINISHED}/this-run"
_CPU = torch.device("cpu")


class RayWorker:
    """Actor that Ray Data calls with each row; the `WorkerSpec` is given as a list of one object reference to it."""

    def __init__(self, spec: list[Any], board: Any, threads: int) -> None:
        self._board = board
        self._worker, self._unfit = None, None
        try:
            given: WorkerSpec = _ray().get(spec[0])
            check_here(given)
            use_threads(threads)
            self._worker = Worker(given, ObjectStore(board))
        except SrnttError as error:  # raised here, it would be retried forever
            self._unfit = error

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """Perform a pickled `Task` and return a pickled `Record`."""
        return {"record": pickle.dumps(self._record(pickle.loads(row["task"])))}

    def _record(self, task: Task) -> Record:
        if self._worker is None:
            return Record(task.name, reason=str(self._unfit), fatal=type(self._unfit))  # pyright: ignore
        died = _ray().get(self._board.begin.remote(task.name))
        if died < _DEATHS:
            record = self._worker(task)
            record = replace(record, device=f"{record.device} of {socket.gethostname()}")
        else:
            record = Record(task.name, reason=f"{died} workers died while processing this picture; it was abandoned.")
        _ray().get(self._board.end.remote(task.name))
        return record


def mark(spec: WorkerSpec) -> None:
    """Write a mark by which workers recognise the output folder; raise InputError for a relative path."""
    for where in (spec.batch.inputs, spec.batch.references, spec.batch.outputs):
        if isinstance(where, LocalFolder) and not where.path.is_absolute():
            raise InputError(f"{where}: workers run in other working directories. Give an absolute path.")
    if isinstance(spec.batch.outputs, LocalFolder):
        (spec.batch.outputs.path / _MARK).touch()


def check_here(spec: WorkerSpec) -> None:
    """Check that this machine has the folders and the version of srntt of the batch.

    Raises:
        InputError: The output folder is not the same on this machine, or a folder of the library is missing.
        MissingDependencyError: Another version of srntt is installed on this machine.
    """
    here, outputs = socket.gethostname(), spec.batch.outputs
    if srntt.__version__ != spec.version:
        raise MissingDependencyError(
            f"{here} has srntt {srntt.__version__}, but the batch was started with {spec.version}. Install the same."
        )
    if isinstance(outputs, LocalFolder) and not (outputs.path / _MARK).exists():
        raise InputError(
            f"{outputs} on {here} is not the folder with which the batch was started. Give one that all machines "
            "share, or a URL."
        )
    for folder in spec.shared.folders if isinstance(spec.shared, LibraryReferences) else ():
        if not folder.is_dir():
            raise InputError(
                f"{here} does not have {folder}, a folder of the library. Share it under the same path, or remove it "
                "with srntt library remove."
            )


class RemoteIndex:
    """Access to a library whose file is on another machine.

    Args:
        actor: Handle of a `FileIndex` there.
    """

    def __init__(self, actor: Any) -> None:
        self._actor = actor

    def nearest(self, descriptor: Float[np.ndarray, " d"]) -> Nearest:
        """Return the photographs most similar by global descriptor."""
        try:
            return _ray().get(self._actor.nearest.remote(descriptor))
        except _ray().exceptions.RayTaskError as error:
            raise error.cause from error


def _ray() -> Any:
    import ray  # pyright: ignore[reportMissingImports]

    return ray


class ObjectStore:
    """`ReferenceStore` in Ray's object store, which holds each encoded reference once, as located by the `Board`."""

    def __init__(self, board: Any) -> None:
        self._board = board

    def find(self, key: Key) -> References | None:
        found = _ray().get(self._board.find.remote(key))
        try:
            return _ray().get(found[0], timeout=_FETCH_SECONDS) if found else None
        except _ray().exceptions.RayError:  # lost with the worker that owned it
            self.give_up(key)
            return None

    def add(self, key: Key, references: References) -> None:
        portable = references.on(_CPU)
        _ray().get(self._board.add.remote(key, [_ray().put(portable)], portable.bytes))

    def give_up(self, key: Key) -> None:
        _ray().get(self._board.give_up.remote(key))


@dataclass
class _Entry:
    """Encoded reference: a list of one object reference, or None, valid once ``settled`` is set."""

    settled: asyncio.Event = field(default_factory=asyncio.Event)
    content: list[Any] | None = None
    size: int = 0


class Board:
    """Actor that tracks encoded references and pictures in progress, called concurrently by all workers.

    Args:
        most: Maximum size of encoded references in the object store, in bytes; the least recently used are evicted.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._entries: OrderedDict[Key, _Entry] = OrderedDict()
        self._begun: Counter[str] = Counter()

    async def begin(self, name: str) -> int:
        """Register that a worker starts a picture; return how many workers died during it before."""
        self._begun[name] += 1
        return self._begun[name] - 1

    async def end(self, name: str) -> None:
        """Register that a picture has ended, successfully or not."""
        del self._begun[name]

    async def find(self, key: Key) -> list[Any] | None:
        """Return an encoded reference, as a list of one object reference, so that Ray does not fetch it here.

        If None, the caller must encode it, and call `add` or `give_up`. Other callers wait until then, up to a time
        limit in case that caller has died.
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
        """Store an encoded reference."""
        entry = self._entries.setdefault(key, _Entry())
        entry.content, entry.size = content, size
        entry.settled.set()
        while sum(one.size for one in self._entries.values()) > self._most:
            oldest = next((other for other, one in self._entries.items() if other != key and one.content), None)
            if oldest is None:
                break
            del self._entries[oldest]

    async def give_up(self, key: Key) -> None:
        """Register that a reference could not be encoded or was lost; callers that wait then encode it themselves."""
        if entry := self._entries.pop(key, None):
            entry.settled.set()
