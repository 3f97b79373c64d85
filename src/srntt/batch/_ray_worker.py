"""A worker on a cluster: an actor of Ray that holds the model and does one picture after the other."""

import pickle
import socket
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch

from srntt.batch._board import Key
from srntt.batch._plan import PlannedPicture
from srntt.batch._pool import ReferenceFile
from srntt.batch._recipe import Recipe
from srntt.batch._station import Outcome
from srntt.errors import SrnttError
from srntt.upscale import References

_DEATHS = 4  # of workers, while they did the same picture: then it is taken to be the reason
_FETCH_SECONDS = 60.0
_CPU = torch.device("cpu")


class RayWorker:
    """What Ray Data calls with each row.

    Args:
        recipe: a list of one object reference, of a `Recipe`.
        board: handle of the `Board`.
        threads: that this process may use.
    """

    def __init__(self, recipe: list[Any], board: Any, threads: int) -> None:
        import ray  # pyright: ignore[reportMissingImports]

        self._board = board
        self._station, self._unfit = None, None
        try:
            made: Recipe = ray.get(recipe[0])
            self._station = made.station(SharedReferences(board), threads)
        except SrnttError as error:  # raised here, it would be tried again for ever
            self._unfit = error

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """A pickled `PlannedPicture` to a pickled `Outcome`."""
        return {"outcome": pickle.dumps(self._outcome(pickle.loads(row["picture"])))}

    def _outcome(self, planned: PlannedPicture) -> Outcome:
        import ray  # pyright: ignore[reportMissingImports]

        if self._station is None:
            return Outcome(planned.name, reason=str(self._unfit), fatal=type(self._unfit))  # pyright: ignore
        died = ray.get(self._board.begin.remote(planned.name))
        if died < _DEATHS:
            outcome = self._station(planned)
        else:
            outcome = Outcome(planned.name, reason=f"{died} workers died while they did this picture; it was given up.")
        ray.get(self._board.end.remote(planned.name))
        return replace(outcome, device=f"{outcome.device} of {socket.gethostname()}" if outcome.device else "")


class SharedReferences:
    """References that any worker of the cluster has encoded: each lies once in the object store.

    Args:
        board: handle of the `Board`.
    """

    def __init__(self, board: Any) -> None:
        self._board = board

    def __call__(self, file: ReferenceFile, views: tuple[str, ...], encode: Callable[[], References]) -> References:
        """From the object store, or encoded and put there."""
        import ray  # pyright: ignore[reportMissingImports]

        key: Key = file.sha256, views
        found = ray.get(self._board.find.remote(key))
        if found:
            try:
                return ray.get(found[0], timeout=_FETCH_SECONDS)
            except ray.exceptions.RayError:  # lost with the worker that had it
                ray.get(self._board.give_up.remote(key))
        try:
            references = encode()
        except BaseException:
            ray.get(self._board.give_up.remote(key))
            raise
        portable = References(references.fingerprint, [one.on(_CPU) for one in references], references.fallbacks)
        ray.get(self._board.add.remote(key, [ray.put(portable)], portable.bytes))
        return references
