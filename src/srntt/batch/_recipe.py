"""All that a worker on another machine is made of, to be sent there once."""

import socket
from dataclasses import dataclass, field, replace
from pathlib import Path

import numba
import torch
from torch import nn

import srntt
from srntt.batch._job import Settings
from srntt.batch._manifest import Known
from srntt.batch._outputs import UNFINISHED, LocalOutputs, Outputs
from srntt.batch._plan import Plan
from srntt.batch._pool import Pool
from srntt.batch._resolver import Resolver
from srntt.batch._station import Station
from srntt.batch._worker import CACHE_BYTES, Share, Worker
from srntt.errors import InputError, MissingDependencyError
from srntt.image import Limits
from srntt.memory import limits_within
from srntt.upscale import Upscaler

_MARK = "this-run"


@dataclass(frozen=True)
class Recipe:
    """Makes stations. It can be pickled.

    Attributes:
        model: on the CPU.
        name: of the model.
        plan: with absolute paths, or URLs.
        pool: shared references; None where no picture needs them.
        settings: of all jobs.
        outputs: where they are written.
        known: what runs have made.
        device, matcher: as the upscaler takes them.
        memory: bytes that each worker may hold, or None.
        best: how many of the shared references a picture gets.
        limits: on what is read.
        resume: pass over what an earlier run has done.
        overwrite: replace also files that no run made.
        cache_bytes: of encoded references that each worker keeps.
        version: of srntt.
    """

    model: nn.Module
    name: str
    plan: Plan
    pool: Pool | None
    settings: Settings
    outputs: Outputs
    known: Known
    device: str = "auto"
    matcher: str = "auto"
    memory: int | None = None
    best: int = 4
    limits: Limits = field(default_factory=Limits)
    resume: bool = False
    overwrite: bool = False
    cache_bytes: int = CACHE_BYTES
    version: str = srntt.__version__

    def __post_init__(self) -> None:
        for place in (self.plan.inputs, self.plan.references, self.outputs.root):
            if isinstance(place, Path) and not place.is_absolute():
                raise InputError(f"{place}: workers have working folders of their own. Give an absolute path.")

    def without_pictures(self) -> "Recipe":
        """The same, of which the pictures are sent one by one."""
        return replace(self, plan=replace(self.plan, pictures=(), shared=()))

    def mark(self) -> None:
        """Leave a mark among the outputs, by which workers know the folder."""
        if isinstance(self.outputs, LocalOutputs):
            (self.outputs.root / UNFINISHED / _MARK).touch()

    def station(self, share: Share, threads: int) -> Station:
        """To be called where the work is done.

        Args:
            share: gives references that others have encoded.
            threads: that the process may use.

        Raises:
            InputError: the outputs' folder is not the same here.
            MissingDependencyError: another srntt is installed here, or the device is not there.
        """
        self._check_here()
        torch.set_num_threads(threads)
        numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))  # pyright: ignore
        upscaler = Upscaler(
            self.model,
            name=self.name,
            device=self.device,
            memory=self.memory,
            matcher=self.matcher,  # pyright: ignore[reportArgumentType]
        )
        worker = Worker(upscaler, self.outputs, self.limits, self.memory, self.cache_bytes, share)
        limits = limits_within(self.limits, self.memory)
        resolver = Resolver(self.plan, self.pool, worker.fingerprint, self.settings, best=self.best, limits=limits)
        return Station(resolver, worker, self.known, self.resume, self.overwrite)

    def _check_here(self) -> None:
        here = socket.gethostname()
        if srntt.__version__ != self.version:
            raise MissingDependencyError(
                f"{here} has srntt {srntt.__version__}, the batch was begun with {self.version}. Install one."
            )
        if isinstance(self.outputs, LocalOutputs) and not (self.outputs.root / UNFINISHED / _MARK).exists():
            raise InputError(
                f"{self.outputs.root} on {here} is not the folder of that name where the batch was begun. Give one "
                "that all machines share, or a URL."
            )
