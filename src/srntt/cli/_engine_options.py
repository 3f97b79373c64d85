"""Where work is done: options of commands that run on a cluster as well."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from srntt.cli._say import complain
from srntt.errors import InputError

if TYPE_CHECKING:
    import srntt.batch


@Parameter(name="*")
@dataclass(frozen=True)
class EngineOptions:
    """Execution.

    Attributes:
        engine: local for this process, or ray for a Ray cluster.
        workers: Number of concurrent workers on a cluster. Default: as many as fit.
        gpus_per_worker: GPUs of each worker on a cluster; with 0.5, two workers share a GPU. Default: 1 if the cluster
            has any, else 0.
        cpus_per_worker: Cores of each worker on a cluster. Default: 1.
        ray_address: Address of the cluster. Default: RAY_ADDRESS, else a cluster running on this machine, else a local
            one that ends with the command.
    """

    engine: Literal["local", "ray"] = "local"
    workers: Annotated[int | None, Parameter(validator=Number(gte=1))] = None
    gpus_per_worker: Annotated[float | None, Parameter(validator=Number(gte=0))] = None
    cpus_per_worker: Annotated[int | None, Parameter(validator=Number(gte=1))] = None
    ray_address: str | None = None

    def check(self) -> None:
        """Check for options without effect.

        Raises:
            InputError: An option applies to clusters only.
        """
        given = {name: value for name, value in vars(self).items() if name != "engine" and value is not None}
        if given and self.engine != "ray":
            raise InputError(f"--{next(iter(given)).replace('_', '-')} applies to clusters only. Add --engine ray.")

    @contextmanager
    def connected(self) -> "Iterator[srntt.batch.Room]":
        """Connect to the cluster within the block, and choose the number of workers and their resources."""
        from srntt.batch import Room, ray_connected

        with ray_connected(self.ray_address):
            room = Room.of_cluster(self.workers, self.cpus_per_worker or 1, self.gpus_per_worker)
            for note in room.notes:
                complain(note)
            yield room

    def path(self, path: Path) -> Path:
        """Make a path absolute for workers on a cluster."""
        return Path(os.path.abspath(path)) if self.engine == "ray" else path

    def place(self, text: str) -> "srntt.batch.Place":
        """Convert a folder or URL to a place; to an absolute path for workers on a cluster."""
        from srntt.batch import LocalFolder, place

        found = place(text)
        return LocalFolder(self.path(found.path)) if isinstance(found, LocalFolder) else found
