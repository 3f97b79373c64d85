"""Execution of a batch on a Ray cluster.

Ray Data distributes the tasks, one per row, to a pool of actors, restarts actors that die, and resubmits their rows.
Only this process assigns final names and records them, so that a row processed twice has one output.
"""

import logging
import math
import os
import pickle
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from typing import Any

from srntt.batch._library_references import LibraryReferences
from srntt.batch._record import Record
from srntt.batch._tasks import Task
from srntt.batch._worker import WorkerSpec
from srntt.errors import InputError, MissingDependencyError
from srntt.library import FileIndex

_SHARE_OF_STORE = 0.5  # fraction of the object store used for encoded references
_IN_FLIGHT = 2  # rows per actor: the current one and the next


@dataclass(frozen=True)
class RayWorkers:
    """Workers on the cluster to which this process is connected (`ray_connected`).

    Attributes:
        spec: Specification of each worker, with absolute paths or URLs of folders.
        number: Number of workers; the cluster may have room for fewer, or gain it later.
        cpus: Cores and threads of each worker.
        gpus: GPUs of each worker; with a fraction, several share one.
        notes: Notes for the user.
    """

    spec: WorkerSpec
    number: int
    cpus: int = 1
    gpus: float = 0.0
    notes: tuple[str, ...] = ()

    @classmethod
    def on_cluster(cls, spec: WorkerSpec, workers: int | None, cpus: int, gpus: float | None) -> "RayWorkers":
        """Choose the number of workers and their resources for the connected cluster.

        Args:
            spec: Specification of each worker.
            workers: Number of workers; None for as many as currently fit.
            cpus: Cores of each worker.
            gpus: GPUs of each worker; None for one if the cluster has any, else zero.
        """
        nodes = [node["Resources"] for node in _imported().nodes() if node["Alive"]]
        if gpus is None:
            gpus = 1.0 if any(node.get("GPU") for node in nodes) else 0.0
        room = sum(_room(node, cpus, gpus) for node in nodes)
        needs = f"{cpus} CPUs and {gpus:g} GPUs"
        notes = () if room else (f"no machine of the cluster has {needs} free for a worker yet: waiting for one",)
        return cls(spec, workers or max(room, 1), cpus, gpus, notes)

    def work(self, tasks: Iterable[Task], starting: Callable[[str], None]) -> Iterator[Record]:
        """Perform tasks and yield their records in order of completion; a task may yield two if it was resubmitted.

        Args:
            tasks: Tasks to perform.
            starting: Called with the name of each picture before its record is yielded; an exception ends the run.

        Raises:
            MissingDependencyError: The connection to the cluster was lost.
        """
        ray = _imported()
        from srntt.batch._ray_worker import Board, RemoteIndex, mark

        rows = [{"task": pickle.dumps(task)} for task in tasks]
        if not rows:
            return
        mark(self.spec)
        store = ray.cluster_resources().get("object_store_memory", 0)
        # If its machine dies, it restarts elsewhere; references are then encoded again, and nothing else is lost.
        board = _lasting(ray, Board, soft=True).remote(int(store * _SHARE_OF_STORE))
        spec = replace(self.spec, batch=replace(self.spec.batch, tasks=(), shared=()))
        shared = spec.shared
        if isinstance(shared, LibraryReferences) and isinstance(shared.index, FileIndex):
            index = _lasting(ray, FileIndex, soft=False).remote(shared.index.path)  # read on this machine alone
            spec = replace(spec, shared=replace(shared, index=RemoteIndex(index)))
        spec = ray.put(spec)
        for row in _failing_in_words(ray, self._dataset(rows, spec, board).iter_rows()):
            record: Record = pickle.loads(row["record"])
            starting(record.input)
            yield record

    def _dataset(self, rows: list[dict[str, bytes]], spec: Any, board: Any) -> Any:
        from srntt.batch._ray_worker import RayWorker

        data = _imported().data
        pool = data.ActorPoolStrategy(
            min_size=1,  # a row waits for its dead actor to restart, for which another may have to end
            max_size=self.number,
            initial_size=self.number,
            max_tasks_in_flight_per_actor=_IN_FLIGHT,
        )
        return data.from_items(rows, override_num_blocks=len(rows)).map(
            RayWorker,
            fn_constructor_args=([spec], board, self.cpus),
            compute=pool,
            num_cpus=self.cpus,
            num_gpus=self.gpus,
        )


def _lasting(ray: Any, kind: type, *, soft: bool) -> Any:
    """Return the class as an actor on the machine of this process that is restarted if it dies.

    Args:
        ray: The module.
        kind: Class of the actor.
        soft: Whether it may run on another machine.
    """
    here = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(
        ray.get_runtime_context().get_node_id(), soft=soft
    )
    options = {"num_cpus": 0, "max_restarts": -1, "max_task_retries": -1, "scheduling_strategy": here}
    return ray.remote(kind).options(**options)


def _failing_in_words(ray: Any, rows: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the rows, converting errors of the cluster to MissingDependencyError."""
    try:
        yield from rows
    except ray.exceptions.RayError as error:
        first = str(error).strip().splitlines()[0]
        raise MissingDependencyError(f"The cluster failed ({first}). Continue with --resume once it works.") from error


@contextmanager
def ray_connected(address: str | None = None) -> Iterator[None]:
    """Connect to a cluster within the block, silently; an existing connection is kept.

    Args:
        address: Address of the cluster; None for that of RAY_ADDRESS, else a cluster running on this machine, else a
            local one that ends with the block.

    Raises:
        MissingDependencyError: Ray is not installed.
        InputError: There is no cluster at the address.
    """
    ray = _imported()
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # no usage statistics from a cluster started here
    with redirect_stdout(sys.stderr), _quiet():
        if ray.is_initialized():
            yield
            return
        try:
            ray.init(address, log_to_driver=False, logging_level="ERROR", include_dashboard=False)
        except (ConnectionError, ValueError, RuntimeError) as error:
            wrong = f"--ray-address {address}: no cluster answers" if address else "No local cluster can be started"
            raise InputError(f"{wrong}: {error}") from error
        try:
            yield
        finally:
            ray.shutdown()


@contextmanager
def _quiet() -> Iterator[None]:
    """Disable Ray's progress output; failures are reported in records or as errors."""
    context, logger = _imported().data.DataContext.get_current(), logging.getLogger("ray.data")
    bars, level = context.enable_progress_bars, logger.level
    context.enable_progress_bars = False
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"ray\b")
            yield
    finally:
        context.enable_progress_bars = bars
        logger.setLevel(level)


def _room(node: dict[str, float], cpus: int, gpus: float) -> int:
    """Return the number of workers that fit on a machine."""
    wanted = {"CPU": cpus, "GPU": gpus}
    return int(min((math.floor(node.get(kind, 0) / most) for kind, most in wanted.items() if most), default=0))


def _imported() -> Any:
    try:
        import ray  # pyright: ignore[reportMissingImports]
        import ray.data  # pyright: ignore[reportMissingImports]
        import ray.util.scheduling_strategies  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise MissingDependencyError("--engine ray needs Ray: pip install 'srntt[ray]'.") from error
    return ray
