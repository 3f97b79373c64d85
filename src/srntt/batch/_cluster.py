"""Ray clusters: connection, room for workers, and its errors."""

import logging
import math
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from typing import Any

import numba
import torch

from srntt.errors import InputError, MissingDependencyError, SrnttError


@dataclass(frozen=True)
class Room:
    """Room for workers on the cluster to which this process is connected (`ray_connected`).

    Attributes:
        number: Number of workers; the cluster may have room for fewer, or gain it later.
        cpus: Cores and threads of each worker.
        gpus: GPUs of each worker; with a fraction, several share one.
        notes: Notes for the user.
    """

    number: int
    cpus: int
    gpus: float
    notes: tuple[str, ...] = ()

    @classmethod
    def of_cluster(cls, workers: int | None, cpus: int, gpus: float | None) -> "Room":
        """Choose the number of workers and their resources.

        Args:
            workers: Number of workers; None for as many as currently fit.
            cpus: Cores of each worker.
            gpus: GPUs of each worker; None for one if the cluster has any, else zero.
        """
        nodes = [node["Resources"] for node in imported_ray().nodes() if node["Alive"]]
        if gpus is None:
            gpus = 1.0 if any(node.get("GPU") for node in nodes) else 0.0
        room = sum(room_on(node, cpus, gpus) for node in nodes)
        needs = f"{cpus} CPUs and {gpus:g} GPUs"
        notes = () if room else (f"no machine of the cluster has {needs} free for a worker yet: waiting for one",)
        return cls(workers or max(room, 1), cpus, gpus, notes)


def room_on(node: dict[str, float], cpus: int, gpus: float) -> int:
    """Return the number of workers that fit on a machine."""
    wanted = {"CPU": cpus, "GPU": gpus}
    return int(min((math.floor(node.get(kind, 0) / most) for kind, most in wanted.items() if most), default=0))


def use_threads(number: int) -> None:
    """Set the number of threads of this process."""
    torch.set_num_threads(number)
    numba.set_num_threads(min(number, numba.config.NUMBA_NUM_THREADS))  # pyright: ignore[reportAttributeAccessIssue]


@contextmanager
def cluster_errors() -> Iterator[None]:
    """Within the block, convert errors of the cluster to MissingDependencyError, and raise those of srntt as they were.

    Raises:
        MissingDependencyError: The connection to the cluster was lost, or workers died repeatedly.
    """
    failures = imported_ray().exceptions
    try:
        yield
    except failures.RayError as error:
        if isinstance(error, failures.RayTaskError) and isinstance(error.cause, SrnttError):
            raise error.cause from error
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
    ray = imported_ray()
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
    context, logger = imported_ray().data.DataContext.get_current(), logging.getLogger("ray.data")
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


def imported_ray() -> Any:
    """Import Ray with the parts that are used.

    Raises:
        MissingDependencyError: It is not installed.
    """
    try:
        import ray  # pyright: ignore[reportMissingImports]
        import ray.data  # pyright: ignore[reportMissingImports]
        import ray.util.scheduling_strategies  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise MissingDependencyError.of_extra("--engine ray needs Ray", "ray") from error
    return ray
