"""All jobs of a plan, one after the other, in this process; one bad file never stops them."""

import errno
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from srntt.batch._listing import Problem
from srntt.batch._output_folder import OutputFolder
from srntt.batch._plan import Plan, PlannedPicture
from srntt.batch._resolver import Resolver
from srntt.batch._worker import Worker
from srntt.errors import OutputError, SrnttError
from srntt.upscale import Progress

_NO_MORE_WRITING = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


@dataclass
class Tally:
    """How far a run has come.

    Attributes:
        total: pictures of the plan.
        done: upscaled.
        skipped: done by an earlier run, and whole still.
        failed: pictures, folders and shared references that could not be done or read.
        failed_pictures: how many of them were pictures of the plan.
        without_references: of ``done``, those that had none.
        seconds: spent on what was done.
        pixels: of the outputs done.
        fallbacks: of ``done``, those where something had to be done otherwise than asked.
    """

    total: int
    done: int = 0
    skipped: int = 0
    failed: list[Problem] = field(default_factory=list)
    failed_pictures: int = 0
    without_references: int = 0
    seconds: float = 0.0
    pixels: int = 0
    fallbacks: int = 0

    @property
    def finished(self) -> int:
        """Pictures that need no more work in this run."""
        return self.done + self.skipped + self.failed_pictures


Watch = Callable[[Tally, str], None]
"""Told how far the run is and which picture comes next (empty: none); what it raises ends the run."""


@dataclass(frozen=True)
class Run:
    """What a run works with.

    Attributes:
        plan: what to do.
        resolver: makes jobs of it.
        worker: does them.
        folder: takes the outputs.
        resume: pass over what an earlier run has done.
        overwrite: replace also files that no run made.
    """

    plan: Plan
    resolver: Resolver
    worker: Worker
    folder: OutputFolder
    resume: bool = False
    overwrite: bool = False

    def all(self, tally: Tally, watch: Watch, progress: Progress | None = None) -> None:
        """Do everything, counting in ``tally`` as it goes.

        Raises:
            OutputError: nothing can be written any more, as on a full disk.
        """
        for planned in self.plan.pictures:
            watch(tally, planned.name)
            try:
                self._one(planned, tally, progress)
            except Exception as error:
                watch(tally, planned.name)  # an interrupt that compiled code made another error of
                reason = _reason(error)
                tally.failed.append(Problem(planned.name, reason))
                tally.failed_pictures += 1
                if _no_more_writing(error):
                    raise OutputError(f"{reason} Make room, and go on with --resume.") from error
                self.folder.manifest.add_failed(planned.name, reason)
        watch(tally, "")

    def _one(self, planned: PlannedPicture, tally: Tally, progress: Progress | None) -> None:
        began = time.monotonic()
        job = self.resolver.resolve(planned)
        if self.resume and (made := self.folder.manifest.find(job)) and made.is_whole(self.folder.root):
            tally.skipped += 1
            return
        occupied = self.folder.occupied(job, overwrite=self.overwrite)
        finished = self.worker(job, occupied, progress)
        self.folder.put(finished.made, finished.file, overwrite=self.overwrite)
        tally.done += 1
        tally.seconds += time.monotonic() - began
        tally.pixels += finished.pixels
        tally.without_references += not job.references
        tally.fallbacks += bool(finished.made.about["fallbacks"])


def _reason(error: Exception) -> str:
    if isinstance(error, SrnttError):
        return str(error)
    if isinstance(error, MemoryError):
        return "out of memory. Say how much may be used with --memory, or close other programs."
    return f"{type(error).__name__}: {error}"


def _no_more_writing(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, OSError) and error.errno in _NO_MORE_WRITING:
            return True
        error = error.__cause__
    return False
