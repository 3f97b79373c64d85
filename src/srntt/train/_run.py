"""Run a recipe to its end: batches made ahead, checkpoints, log, validation."""

import logging
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import torch

from srntt._files import make_folder, remove_leftovers
from srntt._lock import locked
from srntt._safetensors import write_tensors
from srntt.data import Pairs, read_pairs
from srntt.errors import InputError, ModelError
from srntt.train._log import Log, PrintedLines, Watcher
from srntt.train._recipe import Recipe, Schedule
from srntt.train._samples import write_samples
from srntt.train._trainer import Trainer
from srntt.train._validate import validate
from srntt.train._workers import Workers, own_device
from srntt.train.pairs._draws import generator
from srntt.train.pairs._pair_folder import MixedPairs, PairFolder
from srntt.train.pairs._pairs import PhotographPairs
from srntt.train.pairs._photographs import Photographs

_PREFETCH = 3
_EVERY = 300.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Surroundings:
    """Where a run takes place; nothing here changes what it learns.

    Attributes:
        photographs: folders to make pairs from; may be none where ``pairs`` is given.
        pairs: folder of ready-made pairs, with input/ and ref/. With photographs too, a share ``pairs.ready`` of the
            steps takes from here.
        cache: folder to keep the swapped maps of ready-made pairs in (the paper's models), or None.
        output: folder for the log, the checkpoint, samples and the weights.
        validation: folder with an ``index.json`` of pairs, or None.
        device: where to compute; of several processes on ``cuda``, each takes a GPU of its own.
        every: seconds between checkpoints; None for five minutes, or a tenth of the recipe's time limit if less.
        threads: of the CPU; 0 leaves torch's choice.
        resume: continue what ``output`` holds; otherwise it must hold no run.
        tensorboard: write its files, too (extra ``[tensorboard]``).
    """

    photographs: tuple[Path, ...]
    output: Path
    pairs: Path | None = None
    cache: Path | None = None
    validation: Path | None = None
    device: torch.device = torch.device("cpu")  # noqa: RUF009 (immutable)
    every: float | None = None
    threads: int = 0
    resume: bool = False
    tensorboard: bool = False

    def interval(self, schedule: Schedule) -> float:
        """Seconds between checkpoints."""
        if self.every is not None:
            return self.every
        return min(_EVERY, 60 * schedule.minutes / 10) if schedule.minutes else _EVERY


def train(recipe: Recipe, place: Surroundings, watcher: Watcher | None = None) -> Path:
    """Run a recipe to its end.

    Args:
        recipe: what to learn.
        place: where.
        watcher: follows it; None prints the log's lines on stderr.

    Returns:
        The file with the averaged weights.

    Raises:
        InputError: the output folder holds a run already, or none to resume; no photographs; no pairs to validate on.
        OutputError: the output folder cannot be written to, or another run writes to it.
        ModelError: the loss, its gradient or the output ceased to be finite. The last checkpoint stays whole, and
            the batch is written next to it.
    """
    if place.threads:
        torch.set_num_threads(place.threads)
    place = replace(place, device=own_device(place.device))
    workers = Workers.joined(place.device)
    trainer = Trainer(recipe, place.device, workers, place.cache)
    make_folder(place.output)
    with _alone(place.output, workers):
        return _learn(trainer, place, watcher)


@contextmanager
def _alone(folder: Path, workers: Workers) -> Iterator[None]:
    """While no other run writes to a folder; what one that was killed left unfinished is removed."""
    if workers.rank:
        yield
        return
    with locked(folder / ".srntt-lock", folder) as note:
        if note:
            _log.warning("%s.", note)
        else:
            remove_leftovers(folder)
        yield


def _learn(trainer: Trainer, place: Surroundings, watcher: Watcher | None) -> Path:
    """The run itself, from its checkpoint if it has one."""
    recipe, workers = trainer.recipe, trainer.workers
    _resume(trainer, place)
    source = _open_source(recipe, place)
    if place.validation:
        read_pairs(place.validation)  # so that what is wrong with it is reported now, not at the first checkpoint
    log = Log(place.output, watcher or PrintedLines(), place.tensorboard) if workers.rank == 0 else None
    if trainer.progress() >= 1:  # it ended between its last checkpoint and what is written after that
        if log:
            trainer.save(place.output)
        workers.wait()
        return place.output / "model.safetensors"
    began, saved, every = time.monotonic() - trainer.seconds, trainer.seconds, place.interval(recipe.schedule)
    with _prefetched(source, recipe, trainer.step, workers) as batches:
        for pairs in batches:
            _advance(trainer, pairs, place.output, log)
            trainer.seconds = workers.of_first(time.monotonic() - began, place.device)
            if log:
                log.watcher.moved(trainer.progress())
            finished = trainer.progress() >= 1
            if finished or trainer.seconds - saved > every:
                saved = trainer.seconds
                if log:
                    _report(trainer, pairs, place, log)
                workers.wait()
                reported = workers.of_first(time.monotonic() - began, place.device)
                trainer.reserved, trainer.seconds = reported - saved, reported
            if finished or trainer.progress() >= 1:  # a report can use up the time
                break
    return place.output / "model.safetensors"


def _open_source(recipe: Recipe, place: Surroundings) -> PhotographPairs | PairFolder | MixedPairs:
    if not place.photographs and not place.pairs:
        raise InputError("Give folders of photographs, a folder of ready-made pairs, or both.")
    if place.photographs and place.cache:
        raise InputError("Maps can be kept only of ready-made pairs: those from photographs never come twice.")
    if not place.pairs:
        return _from_photographs(recipe, place)
    folder = PairFolder(place.pairs, recipe.pairs, place.device, recipe.config.scale)
    if place.cache and not folder.whole:
        raise InputError(f"Maps can be kept only of pairs that are not cropped; {place.pairs} has larger pictures.")
    if not place.photographs:
        return folder
    return MixedPairs(_from_photographs(recipe, place), folder, recipe.pairs.ready)


def _from_photographs(recipe: Recipe, place: Surroundings) -> PhotographPairs:
    smallest = max(recipe.pairs.target, recipe.pairs.reference) + 8
    photographs = Photographs(list(place.photographs), smallest, place.device)
    return PhotographPairs(photographs, recipe.pairs, recipe.config.scale)


def _resume(trainer: Trainer, place: Surroundings) -> None:
    held = (place.output / "checkpoint.safetensors").exists()
    if held and not place.resume:
        raise InputError(f"{place.output} holds a run already. Resume it (--resume), or give another folder.")
    if place.resume and not held:
        raise InputError(f"{place.output} holds no checkpoint to resume. Leave --resume out to begin.")
    if held:
        trainer.resume(place.output)


def _advance(trainer: Trainer, pairs: Pairs, output: Path, log: Log | None) -> None:
    with _keeping_what_fails(trainer, pairs, output):
        terms = trainer.advance(pairs, _shows_references(trainer.recipe.schedule, trainer.step))
    if log:
        log.add(terms)


def _shows_references(schedule: Schedule, step: int) -> bool:
    drawn = float(torch.rand((), generator=generator(schedule.seed, step, "alone")))
    return drawn >= schedule.alone and step >= schedule.alone_first


@contextmanager
def _keeping_what_fails(trainer: Trainer, pairs: Pairs, output: Path) -> Iterator[None]:
    """Writes the batch down when something ceases to be finite."""
    try:
        yield
    except ModelError as error:
        file = output / f"batch-{trainer.step}-{trainer.workers.rank}.safetensors"
        tensors = {name: tensor.float().contiguous() for name, tensor in pairs.tensors().items()}
        write_tensors(file, tensors, {"step": str(trainer.step)})
        raise ModelError(f"{error} Its batch is {file}; the last checkpoint is whole. Try a lower rate.") from error


def _report(trainer: Trainer, pairs: Pairs, place: Surroundings, log: Log) -> None:
    """Pictures to look at, a checkpoint, and a line of the log; weights whose pictures are not finite are not saved."""
    with _keeping_what_fails(trainer, pairs, place.output):
        write_samples(trainer.lesson, pairs, place.output / "samples" / f"step-{trainer.step:07}.png")
    trainer.save(place.output)
    entry = {"minutes": trainer.seconds / 60, "rate": trainer.rate()}
    if place.validation:
        entry |= validate(trainer.average, place.validation, place.device)
    log.write(trainer.step, entry)


@contextmanager
def _prefetched(
    source: PhotographPairs | PairFolder | MixedPairs, recipe: Recipe, step: int, workers: Workers
) -> Iterator[Iterator[Pairs]]:
    """The batches of the steps from ``step`` on, made ahead by a thread, which ends with the block: one in torch when
    the interpreter ends aborts the process.
    """
    samples, schedule = workers.samples(recipe.schedule.batch), recipe.schedule

    def draw(number: int) -> Pairs:
        return source.draw(schedule.seed, number, samples, _shows_references(schedule, number))

    def batches() -> Iterator[Pairs]:
        for number in count(step + _PREFETCH):
            pairs = ahead.popleft().result()
            ahead.append(thread.submit(draw, number))
            yield pairs

    thread = ThreadPoolExecutor(1)
    ahead = deque(thread.submit(draw, number) for number in range(step, step + _PREFETCH))
    try:
        yield batches()
    finally:
        thread.shutdown(cancel_futures=True)
