"""All pictures of a plan, done by an engine and put on record here; one bad file never stops them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from srntt.batch._listing import Problem
from srntt.batch._output_folder import OutputFolder
from srntt.batch._plan import Plan, PlannedPicture
from srntt.batch._station import Outcome, Station, explained
from srntt.batch._worker import Finished
from srntt.errors import SrnttError
from srntt.models import Progress


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
        seconds: spent on what was done; where several work at once, the time of each is divided by their number.
        pixels: of the outputs done.
        fallbacks: of ``done``, those where something had to be done otherwise than asked.
        encoded: references that were encoded.
        reused: times that a worker had a reference already.
        fetched: times that a worker got a reference that another one had encoded.
        model: name of the model.
        devices: that did the work.
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
    encoded: int = 0
    reused: int = 0
    fetched: int = 0
    model: str = ""
    devices: set[str] = field(default_factory=set)

    @property
    def finished(self) -> int:
        """Pictures that need no more work in this run."""
        return self.done + self.skipped + self.failed_pictures


Watch = Callable[[Tally, str], None]
"""Told how far the run is and which picture comes next (empty: none); what it raises ends the run."""


@runtime_checkable
class Engine(Protocol):
    """Does planned pictures, in whatever order and wherever it likes.

    Attributes:
        workers: how many it does at once.
    """

    @property
    def workers(self) -> int: ...

    def __call__(
        self, pictures: Sequence[PlannedPicture], starting: Callable[[str], None], progress: Progress | None
    ) -> Iterator[Outcome]:
        """Give the outcome of each; of one that was done again after a machine had died, perhaps twice.

        Args:
            pictures: what to do.
            starting: told which picture comes next, where that can be said; what it raises ends the run.
            progress: told how far the picture at hand is, where that can be said.
        """
        ...


@dataclass(frozen=True)
class LocalEngine:
    """One picture after the other, in this process."""

    station: Station
    workers: int = 1

    def __call__(
        self, pictures: Sequence[PlannedPicture], starting: Callable[[str], None], progress: Progress | None
    ) -> Iterator[Outcome]:
        for planned in pictures:
            starting(planned.name)
            yield self.station(planned, progress)


@dataclass(frozen=True)
class Run:
    """What a run works with.

    Attributes:
        plan: what to do.
        engine: does it.
        folder: takes the outputs.
        overwrite: replace also files that no run made.
    """

    plan: Plan
    engine: Engine
    folder: OutputFolder
    overwrite: bool = False

    def all(self, tally: Tally, watch: Watch, progress: Progress | None = None) -> None:
        """Do everything, counting in ``tally`` as it goes.

        Raises:
            OutputError: nothing can be written any more, as on a full disk.
            SrnttError: the engine's workers are not fit to work.
        """
        recorded: set[str] = set()
        for outcome in self.engine(self.plan.pictures, lambda name: watch(tally, name), progress):
            if outcome.name not in recorded:
                recorded.add(outcome.name)
                self._record(outcome, tally, watch)
            elif outcome.finished:
                self.folder.discard(outcome.finished.files)
        watch(tally, "")

    def _record(self, outcome: Outcome, tally: Tally, watch: Watch) -> None:
        tally.encoded += outcome.encoded
        tally.reused += outcome.reused
        tally.fetched += outcome.fetched
        tally.model = outcome.model or tally.model
        tally.devices |= {outcome.device} - {""}
        if outcome.reason:
            self._fail(outcome.name, outcome.reason, outcome.fatal, tally, watch)
        elif outcome.finished is None:
            tally.skipped += 1
        else:
            try:
                self.folder.put(outcome.finished.made, outcome.finished.files, overwrite=self.overwrite)
            except Exception as error:
                self._fail(outcome.name, *explained(error), tally, watch)
            else:
                self._count(outcome, outcome.finished, tally)

    def _fail(self, name: str, reason: str, fatal: type[SrnttError] | None, tally: Tally, watch: Watch) -> None:
        watch(tally, name)  # an interrupt that compiled code made another error of
        tally.failed.append(Problem(name, reason))
        tally.failed_pictures += 1
        if fatal:
            raise fatal(reason)
        self.folder.manifest.add_failed(name, reason)

    def _count(self, outcome: Outcome, finished: Finished, tally: Tally) -> None:
        tally.done += 1
        tally.seconds += outcome.seconds / self.engine.workers
        tally.pixels += finished.pixels
        tally.without_references += not outcome.references
        tally.fallbacks += bool(finished.made.about["fallbacks"])
