"""The pictures of a plan done by the workers of a Ray cluster.

Ray Data takes the pictures, one a row, to a pool of actors, restarts those that die and gives their rows to them anew.
Names are given and recorded by this process alone, so a row that was done twice leaves one output.
"""

import logging
import math
import os
import pickle
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from typing import Any

from srntt.batch._board import Board
from srntt.batch._plan import PlannedPicture
from srntt.batch._recipe import Recipe
from srntt.batch._station import Outcome
from srntt.errors import InputError, MissingDependencyError
from srntt.models import Progress

_SHARE_OF_STORE = 0.5  # of the object store, for encoded references
_IN_FLIGHT = 2  # rows that an actor has: the one it does, and the next


@dataclass(frozen=True)
class WorkerResources:
    """What each worker gets of a machine.

    Attributes:
        cpus: cores, and threads.
        gpus: may be a fraction, so that several share a GPU; None for a whole one where the cluster has any, else none.
    """

    cpus: int = 1
    gpus: float | None = None


@dataclass(frozen=True)
class RayEngine:
    """Does pictures on the cluster that this process is connected to (`ray_connected`).

    Attributes:
        recipe: what each worker is made of.
        workers: how many; the cluster may have room for fewer, or get it later.
        resources: what each gets.
        notes: what a person must know.
    """

    recipe: Recipe
    workers: int
    resources: WorkerResources
    notes: tuple[str, ...] = ()

    @classmethod
    def on_cluster(cls, recipe: Recipe, workers: int | None, resources: WorkerResources) -> "RayEngine":
        """Decide how many workers there are: unless it is said, as many as there is room for now."""
        ray = _imported()
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        if resources.gpus is None:
            resources = WorkerResources(resources.cpus, 1.0 if any(node.get("GPU") for node in nodes) else 0.0)
        room = sum(_room(node, resources) for node in nodes)
        told = f"{resources.cpus} CPUs and {resources.gpus:g} GPUs"
        note = () if room else (f"no machine of the cluster has {told} for a worker yet: waits until one has",)
        return cls(recipe, workers or max(room, 1), resources, note)

    def __call__(
        self, pictures: Sequence[PlannedPicture], starting: Callable[[str], None], progress: Progress | None
    ) -> Iterator[Outcome]:
        """Outcomes as they come; the order is any.

        Raises:
            MissingDependencyError: the cluster is lost.
        """
        ray = _imported()
        if not pictures:
            return
        self.recipe.mark()
        store = ray.cluster_resources().get("object_store_memory", 0)
        here = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(
            ray.get_runtime_context().get_node_id(), soft=True
        )
        # If its machine dies it begins anew elsewhere: references are then encoded again, and nothing else is lost.
        lasting = {"num_cpus": 0, "max_restarts": -1, "max_task_retries": -1, "scheduling_strategy": here}
        board = ray.remote(Board).options(**lasting).remote(int(store * _SHARE_OF_STORE))
        recipe = ray.put(self.recipe.without_pictures())
        for row in _told(ray, self._dataset(pictures, recipe, board).iter_rows()):
            outcome: Outcome = pickle.loads(row["outcome"])
            starting(outcome.name)
            yield outcome

    def _dataset(self, pictures: Sequence[PlannedPicture], recipe: Any, board: Any) -> Any:
        from ray import data  # pyright: ignore[reportMissingImports]

        from srntt.batch._ray_worker import RayWorker

        rows = [{"picture": pickle.dumps(planned)} for planned in pictures]
        pool = data.ActorPoolStrategy(
            min_size=1,  # a row whose actor has died waits for it to be restarted, for which another may have to end
            max_size=self.workers,
            initial_size=self.workers,
            max_tasks_in_flight_per_actor=_IN_FLIGHT,
        )
        return data.from_items(rows, override_num_blocks=len(rows)).map(
            RayWorker,
            fn_constructor_args=([recipe], board, self.resources.cpus),
            compute=pool,
            num_cpus=self.resources.cpus,
            num_gpus=self.resources.gpus,
        )


def _told(ray: Any, rows: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """What the cluster itself does wrong, as an error of ours."""
    try:
        yield from rows
    except ray.exceptions.RayError as error:
        first = str(error).strip().splitlines()[0]
        raise MissingDependencyError(f"The cluster failed ({first}). Go on with --resume once it works.") from error


@contextmanager
def ray_connected(address: str | None = None) -> Iterator[None]:
    """Within this block the process is connected to a cluster, and quietly; a connection that was there stays.

    Args:
        address: of the cluster; None for that of the variable RAY_ADDRESS, else the one that runs on this machine,
            else one of this machine alone that ends with the block.

    Raises:
        MissingDependencyError: Ray is not installed.
        InputError: no cluster at the address.
    """
    ray = _imported()
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a cluster begun here tells nobody of itself
    with redirect_stdout(sys.stderr), _quiet():
        if ray.is_initialized():
            yield
            return
        try:
            ray.init(address, log_to_driver=False, logging_level="ERROR", include_dashboard=False)
        except (ConnectionError, ValueError, RuntimeError) as error:
            asked = f"--ray-address {address}: no cluster answers there" if address else "No cluster can be begun here"
            raise InputError(f"{asked}: {error}") from error
        try:
            yield
        finally:
            ray.shutdown()


@contextmanager
def _quiet() -> Iterator[None]:
    """Ray tells of its own progress; ours is shown already, and what fails is an outcome or an error."""
    from ray import data  # pyright: ignore[reportMissingImports]

    context, logger = data.DataContext.get_current(), logging.getLogger("ray.data")
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


def _room(node: dict[str, float], resources: WorkerResources) -> int:
    """Workers that fit on a machine."""
    wanted = {"CPU": resources.cpus, "GPU": resources.gpus or 0}
    return int(min((math.floor(node.get(kind, 0) / most) for kind, most in wanted.items() if most), default=0))


def _imported() -> Any:
    try:
        import ray  # pyright: ignore[reportMissingImports]
        import ray.data  # pyright: ignore[reportMissingImports]
        import ray.util.scheduling_strategies  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise MissingDependencyError("--engine ray needs Ray: pip install 'srntt[ray]'.") from error
    return ray
