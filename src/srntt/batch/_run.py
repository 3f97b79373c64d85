"""Execution of all tasks of a batch; a bad file never stops the run."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from srntt.batch._output_folder import OutputFolder
from srntt.batch._record import Record
from srntt.batch._tasks import Task
from srntt.batch._worker import explained
from srntt.data import Failure
from srntt.models import Progress


@dataclass
class Tally:
    """Progress of a run.

    Attributes:
        total: Number of tasks.
        workers: Number of concurrent workers.
        model: Name of the model.
        done: Pictures upscaled.
        skipped: Pictures upscaled by an earlier run whose outputs are unchanged.
        failed: Pictures, folders and shared references that could not be processed or read.
        failed_pictures: Number of pictures to upscale among them.
        without_references: Pictures among ``done`` without references.
        seconds: Time spent on ``done``: the time of each picture divided by the number of workers.
        pixels: Total pixels of the outputs.
        fallbacks: Pictures among ``done`` with fallbacks.
        references: Numbers of references ``encoded``, ``reused`` by a worker, and ``fetched`` from another worker.
        devices: Devices used.
        notes: Notes on conversions, each with the name of its picture.
        models: Number of pictures among ``done`` by model.
    """

    total: int
    workers: int = 1
    model: str = ""
    done: int = 0
    skipped: int = 0
    failed: list[Failure] = field(default_factory=list)
    failed_pictures: int = 0
    without_references: int = 0
    seconds: float = 0.0
    pixels: int = 0
    fallbacks: int = 0
    references: Counter[str] = field(default_factory=Counter)
    devices: set[str] = field(default_factory=set)
    notes: list[tuple[str, str]] = field(default_factory=list)
    models: Counter[str] = field(default_factory=Counter)

    @property
    def finished(self) -> int:
        """Number of pictures that need no further work in this run."""
        return self.done + self.skipped + self.failed_pictures

    def add(self, record: Record) -> None:
        """Count a record."""
        self.references += record.counts
        self.devices |= {record.device} - {""}
        if record.reason:
            self.failed.append(Failure(record.input, record.reason))
            self.failed_pictures += 1
        elif not record.files:
            self.skipped += 1
        else:
            self.done += 1
            self.models[record.about["model"]] += 1
            self.seconds += record.seconds / self.workers
            self.pixels += record.about["width"] * record.about["height"]
            self.without_references += not record.about["references"]
            self.fallbacks += bool(record.about["fallbacks"])
            self.notes += [(record.input, note) for note in record.about.get("notes", ())]


def work_here(
    worker: Callable[[Task, Progress | None], Record],
    tasks: Iterable[Task],
    starting: Callable[[str], None],
    progress: Progress | None = None,
) -> Iterator[Record]:
    """Perform tasks sequentially in this process, and yield their records.

    Args:
        worker: Performs a task.
        tasks: Tasks to perform.
        starting: Called with the name of the next picture; an exception ends the run.
        progress: Called with the progress within a picture.
    """
    for task in tasks:
        starting(task.name)
        yield worker(task, progress)


def keep_records(
    records: Iterable[Record],
    folder: OutputFolder,
    tally: Tally,
    watch: Callable[[str], None],
    *,
    overwrite: bool = False,
) -> None:
    """Publish outputs and append their records to the manifest as they arrive.

    Args:
        records: Records of all tasks; a task may have two if it was repeated after a machine died.
        folder: Output folder.
        tally: Counts the records.
        watch: Called with the name of a picture that failed, and with "" at the end; an exception ends the run.
        overwrite: Also replace files that no run wrote.

    Raises:
        OutputError: Nothing more can be written, as on a full disk.
        SrnttError: The workers cannot work.
    """
    recorded: set[str] = set()
    for made in records:
        if made.input in recorded:
            folder.discard(made.staged)
            continue
        recorded.add(made.input)
        record = _published(made, folder, overwrite)
        if record.reason:
            watch(record.input)  # compiled code may have turned an interrupt into another error
        tally.add(record)
        if record.fatal:
            raise record.fatal(record.reason)
        if record.reason:
            folder.append(record.as_json())
    watch("")


def _published(record: Record, folder: OutputFolder, overwrite: bool) -> Record:
    """Publish the files of a record; return the record, or one with the reason of the failure."""
    if not record.staged:
        return record
    try:
        folder.publish(record, overwrite=overwrite)
    except Exception as error:
        reason, fatal = explained(error)
        return replace(record, reason=reason, fatal=fatal)
    return record
