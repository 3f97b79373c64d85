"""All tasks of a batch, done by an executor and recorded here; one bad file never stops them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from srntt.batch._listing import Failure
from srntt.batch._output_folder import OutputFolder
from srntt.batch._record import Record
from srntt.batch._tasks import Task
from srntt.batch._worker import explained
from srntt.models import Progress


@dataclass
class Tally:
    """How far a run has come.

    Attributes:
        total: tasks.
        workers: how many work at once.
        model: its name.
        done: upscaled.
        skipped: done by an earlier run, and whole still.
        failed: pictures, folders and shared references that could not be done or read.
        failed_pictures: how many of them were pictures to upscale.
        without_references: of ``done``, those that had none.
        seconds: spent on what was done; the time of each picture divided by the number of workers.
        pixels: of the outputs done.
        fallbacks: of ``done``, those where something had to be done otherwise than asked.
        references: how many were ``encoded``, ``reused`` by a worker, or ``fetched`` from another one.
        devices: that did the work.
        notes: what was converted or dropped, each with the name of its picture.
        models: how many of ``done`` each model upscaled.
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
        """Pictures that need no more work in this run."""
        return self.done + self.skipped + self.failed_pictures

    def add(self, record: Record) -> None:
        """Count what became of a picture."""
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
    """Do one task after the other, in this process.

    Args:
        worker: does them.
        tasks: what to do.
        starting: called with the name of the picture that comes next; what it raises ends the run.
        progress: called with how far the picture at hand is.
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
    """Give outputs their names and enter the records into the manifest, as they come.

    Args:
        records: of all tasks; of one that was done again after a machine had died, perhaps twice.
        folder: takes the outputs.
        tally: counts them.
        watch: called with the name of a picture that failed, and with none at the end; what it raises ends the run.
        overwrite: replace also files that no run made.

    Raises:
        OutputError: nothing can be written any more, as on a full disk.
        SrnttError: the workers are not fit to work.
    """
    recorded: set[str] = set()
    for made in records:
        if made.input in recorded:
            folder.discard(made.staged)
            continue
        recorded.add(made.input)
        record = _published(made, folder, overwrite)
        if record.reason:
            watch(record.input)  # an interrupt that compiled code made another error of
        tally.add(record)
        if record.fatal:
            raise record.fatal(record.reason)
        if record.reason:
            folder.append(record.as_json())
    watch("")


def _published(record: Record, folder: OutputFolder, overwrite: bool) -> Record:
    """The record, or why its files cannot have their names."""
    if not record.staged:
        return record
    try:
        folder.publish(record, overwrite=overwrite)
    except Exception as error:
        reason, fatal = explained(error)
        return replace(record, reason=reason, fatal=fatal)
    return record
