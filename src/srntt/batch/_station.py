"""What becomes of one planned picture, up to the finished file that has no name yet. Runs in any process."""

import errno
import time
from dataclasses import dataclass

from srntt._failures import is_out_of_memory
from srntt.batch._job import Job
from srntt.batch._manifest import Known
from srntt.batch._plan import PlannedPicture
from srntt.batch._resolver import Resolver
from srntt.batch._worker import Finished, Worker
from srntt.errors import OutputError, SrnttError
from srntt.models import Progress

_NO_MORE_WRITING = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


@dataclass(frozen=True)
class Outcome:
    """What became of a picture. It can be pickled.

    Attributes:
        name: of the picture.
        finished: its output; None where it was passed over or could not be done.
        reason: why it could not be done; else empty.
        fatal: the error that ends the run, for no other picture can be done, either.
        seconds: that it took.
        references: how many it had.
        encoded: references that were encoded for it.
        reused: references that its worker had.
        fetched: references that another worker had encoded.
        model: name.
        device: that did the work.
    """

    name: str
    finished: Finished | None = None
    reason: str = ""
    fatal: type[SrnttError] | None = None
    seconds: float = 0.0
    references: int = 0
    encoded: int = 0
    reused: int = 0
    fetched: int = 0
    model: str = ""
    device: str = ""


@dataclass(frozen=True)
class Station:
    """Does one planned picture after the other.

    Attributes:
        resolver: makes jobs of them.
        worker: does the jobs.
        known: what runs have made.
        resume: pass over what an earlier run has done.
        overwrite: replace also files that no run made.
    """

    resolver: Resolver
    worker: Worker
    known: Known
    resume: bool = False
    overwrite: bool = False

    def __call__(self, planned: PlannedPicture, progress: Progress | None = None) -> Outcome:
        """Do one. Whatever goes wrong is its outcome; only what is no Exception, such as Ctrl-C, is raised."""
        began, before = time.monotonic(), self._counts()
        finished, reason, fatal, references = None, "", None, 0
        try:
            job = self.resolver.resolve(planned)
            references = len(job.references)
            if not (self.resume and self.known.is_done(job, self.worker.outputs.is_whole)):
                finished = self._make(job, progress)
        except Exception as error:
            reason, fatal = explained(error)
        encoded, reused, fetched = (after - was for after, was in zip(self._counts(), before, strict=True))
        return Outcome(
            name=planned.name,
            finished=finished,
            reason=reason,
            fatal=fatal,
            seconds=time.monotonic() - began,
            references=references,
            encoded=encoded - fetched,
            reused=reused,
            fetched=fetched,
            model=self.worker.upscaler.model_name,
            device=str(self.worker.upscaler.device),
        )

    def _counts(self) -> tuple[int, int, int]:
        return self.worker.references.encoded, self.worker.references.reused, self.worker.fetched

    def _make(self, job: Job, progress: Progress | None) -> Finished:
        outputs = self.worker.outputs
        outputs.prepare(job.outputs[0])
        names = [name for output in job.outputs for name in job.files(output)]
        occupied = frozenset(
            name for name in names if not outputs.free(name, replaceable=self.overwrite or self.known.owns(name))
        )
        return self.worker(job, occupied, progress)


def explained(error: Exception) -> tuple[str, type[SrnttError] | None]:
    """A sentence for people; and what ends the run, where the next picture would fare no better."""
    if _no_more_writing(error):
        return f"{_said(error)} Make room, and go on with --resume.", OutputError
    return _said(error), None


def _said(error: Exception) -> str:
    if isinstance(error, SrnttError):
        return str(error)
    if is_out_of_memory(error):
        return "out of memory. Say how much may be used with --memory, or close other programs."
    return f"{type(error).__name__}: {error}"


def _no_more_writing(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, OSError) and error.errno in _NO_MORE_WRITING:
            return True
        error = error.__cause__
    return False
