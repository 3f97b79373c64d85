"""Execution of a batch on a Ray cluster.

Ray Data distributes the tasks, one per row, to a pool of actors, restarts actors that die, and resubmits their rows.
Only this process assigns final names and records them, so that a row processed twice has one output.
"""

import pickle
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from srntt.batch._cluster import Room, cluster_errors, imported_ray
from srntt.batch._library_references import LibraryReferences
from srntt.batch._record import Record
from srntt.batch._tasks import Task
from srntt.batch._worker import WorkerSpec
from srntt.library import FileIndex

_SHARE_OF_STORE = 0.5  # fraction of the object store used for encoded references
_IN_FLIGHT = 2  # rows per actor: the current one and the next


@dataclass(frozen=True)
class RayWorkers:
    """Workers on the cluster to which this process is connected (`ray_connected`).

    Attributes:
        spec: Specification of each worker, with absolute paths or URLs of folders.
        room: Number of workers, and their resources.
    """

    spec: WorkerSpec
    room: Room

    def work(self, tasks: Iterable[Task], starting: Callable[[str], None]) -> Iterator[Record]:
        """Perform tasks and yield their records in order of completion; a task may yield two if it was resubmitted.

        Args:
            tasks: Tasks to perform.
            starting: Called with the name of each picture before its record is yielded; an exception ends the run.

        Raises:
            MissingDependencyError: The connection to the cluster was lost.
        """
        ray = imported_ray()
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
        with cluster_errors():
            for row in self._dataset(rows, spec, board).iter_rows():
                record: Record = pickle.loads(row["record"])
                starting(record.input)
                yield record

    def _dataset(self, rows: list[dict[str, bytes]], spec: Any, board: Any) -> Any:
        from srntt.batch._ray_worker import RayWorker

        data = imported_ray().data
        pool = data.ActorPoolStrategy(
            min_size=1,  # a row waits for its dead actor to restart, for which another may have to end
            max_size=self.room.number,
            initial_size=self.room.number,
            max_tasks_in_flight_per_actor=_IN_FLIGHT,
        )
        return data.from_items(rows, override_num_blocks=len(rows)).map(
            RayWorker,
            fn_constructor_args=([spec], board, self.room.cpus),
            compute=pool,
            num_cpus=self.room.cpus,
            num_gpus=self.room.gpus,
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
