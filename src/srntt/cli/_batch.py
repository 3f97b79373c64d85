"""``srntt batch``: folders in, folders out."""

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from srntt.cli._batch_options import (
    BatchEngineOptions,
    BatchOutputOptions,
    BatchReferenceOptions,
    place_given,
    settings,
)
from srntt.cli._batch_progress import BatchProgress
from srntt.cli._batch_summary import Intended, as_json, as_lines, plan_as_json, plan_as_lines
from srntt.cli._compiling import telling_of_compiling
from srntt.cli._exit import Exit, NothingToDoError
from srntt.cli._options import Json, LimitOptions, ModelOptions, refuse_missing
from srntt.cli._say import complain, say, say_json
from srntt.errors import InputError, SrnttError

if TYPE_CHECKING:
    import srntt.batch
    import srntt.image


def batch(
    folder: str,
    /,
    *,
    outputs: BatchOutputOptions,
    references: BatchReferenceOptions = BatchReferenceOptions(),  # noqa: B008 (frozen)
    recursive: bool = False,
    dry_run: bool = False,
    engine: BatchEngineOptions = BatchEngineOptions(),  # noqa: B008 (frozen)
    model: ModelOptions = ModelOptions(),  # noqa: B008 (frozen)
    tile: Literal["auto"] | int = "auto",
    consistent: bool = False,
    limits: LimitOptions = LimitOptions(),  # noqa: B008 (frozen)
    json: Json = False,
) -> int:
    """Upscale a folder of pictures, each with its own references or the best of a folder of them.

    A file that cannot be done is named in the end and stops nothing. Interrupted or killed, a run leaves whole files
    only, and goes on with --resume.

    Args:
        folder: Of the small pictures, or a URL such as s3://bucket/small.
        recursive: Folders below it, too; they are mirrored.
        dry_run: Say what would be done, and do nothing.
        tile: Side of a tile in pixels of the small picture, at least 32. Default: auto, the largest that the memory
            allows.
        consistent: Make each output's reduction by bicubic the input, to 1 of 255.
    """
    engine.check()
    from srntt.batch import plan_batch

    cluster = engine.engine == "ray"
    inputs, output = place_given(folder, cluster=cluster), place_given(outputs.output, cluster=cluster)
    refs = place_given(references.refs, cluster=cluster) if references.refs else None
    outputs.check(with_references=refs is not None)
    refuse_missing([path for path in (inputs, refs) if isinstance(path, Path)])
    plan = plan_batch(inputs, output, refs, recursive=recursive, suffix=outputs.suffix(), also=outputs.also())
    if not plan.pictures and not plan.problems:
        raise NothingToDoError(
            f"{folder}: there are no pictures{'' if recursive else ' (folders below it count with --recursive)'}; "
            f"{plan.ignored} other files."
        )
    chosen = settings(outputs, references, tile, model.matcher, consistent)
    command = _Batch(plan, outputs, references, engine, model, chosen, limits.limits(), json)
    return command.say_plan() if dry_run else command.run()


@dataclass(frozen=True)
class _Batch:
    """A batch that has been asked for and makes sense."""

    plan: "srntt.batch.Plan"
    outputs: BatchOutputOptions
    references: BatchReferenceOptions
    engine: BatchEngineOptions
    model: ModelOptions
    settings: "srntt.batch.Settings"
    limits: "srntt.image.Limits"
    json: bool

    def run(self) -> int:
        """Do it, and say what it came to."""
        from srntt.batch import Run, Tally, open_output_folder

        began = time.monotonic()
        tally = Tally(len(self.plan.pictures), failed=list(self.plan.problems))
        with open_output_folder(self.plan.outputs) as folder:
            self._refuse_earlier(folder)
            with (
                BatchProgress() as progress,
                telling_of_compiling(),
                _telling_of_interrupts(tally),
                ExitStack() as stack,
            ):
                engine = self._engine(folder, tally, progress, stack)
                Run(self.plan, engine, folder, self.outputs.overwrite).all(tally, progress.picture, progress.stage)
        seconds = time.monotonic() - began
        if self.json:
            say_json(as_json(self.plan, tally, engine.workers, seconds, folder.notes))
        else:
            say(*as_lines(self.plan, tally, engine.workers, seconds, folder.notes))
        return _ended(tally.failed, tally.done)

    def _engine(
        self, folder: "srntt.batch.OutputFolder", tally: "srntt.batch.Tally", progress: BatchProgress, stack: ExitStack
    ) -> "srntt.batch.Engine":
        from srntt.batch import CACHE_BYTES, LocalEngine, Station, Worker
        from srntt.memory import parse_memory

        memory = parse_memory(self.model.memory)
        cache = CACHE_BYTES if memory is None else memory // 4
        if self.engine.engine == "ray":
            return self._ray_engine(folder, tally, progress, stack, memory, cache)
        worker = Worker(self.model.open(), folder.outputs, self.limits, memory, cache)
        resolver = self._resolver(worker.fingerprint, folder, tally, progress)
        return LocalEngine(Station(resolver, worker, folder.manifest, self.outputs.resume, self.outputs.overwrite))

    def _ray_engine(
        self,
        folder: "srntt.batch.OutputFolder",
        tally: "srntt.batch.Tally",
        progress: BatchProgress,
        stack: ExitStack,
        memory: int | None,
        cache: int,
    ) -> "srntt.batch.Engine":
        from srntt.batch import RayEngine, Recipe, WorkerResources, ray_connected
        from srntt.models import open_model

        stack.enter_context(ray_connected(self.engine.ray_address))
        recipe = Recipe(
            model=open_model(self.model.model),
            name=self.model.model if "://" in self.model.model else Path(self.model.model).name,
            plan=self.plan,
            pool=self._pool(folder, tally, progress),
            settings=self.settings,
            outputs=folder.outputs,
            known=folder.manifest.known(),
            device=self.model.device,
            matcher=self.model.matcher,
            memory=memory,
            best=self.references.best,
            limits=self.limits,
            resume=self.outputs.resume,
            overwrite=self.outputs.overwrite,
            cache_bytes=cache,
        )
        wanted = WorkerResources(self.engine.cpus_per_worker or 1, self.engine.gpus_per_worker)
        engine = RayEngine.on_cluster(recipe, self.engine.workers, wanted)
        for note in engine.notes:
            complain(note)
        return engine

    def say_plan(self) -> int:
        """Say what `run` would do, and touch nothing."""
        from srntt.batch import Tally, open_output_folder

        began_before = self.outputs.resume and _began_before(self.plan.outputs)
        tally = Tally(len(self.plan.pictures), failed=list(self.plan.problems))
        opened = open_output_folder(self.plan.outputs) if began_before else nullcontext()
        with opened as folder, BatchProgress() as progress, telling_of_compiling():
            fingerprint = self.model.open().encode_references([]).fingerprint if folder else ""
            resolver = self._resolver(fingerprint, folder, tally, progress)
            intended = [_intended(resolver, planned, folder) for planned in self.plan.pictures]
        if self.json:
            say_json(plan_as_json(self.plan, intended))
        else:
            say(*plan_as_lines(self.plan, intended))
        failed = [*tally.failed, *((item.name, item.problem) for item in intended if item.problem)]
        return _ended(failed, sum(not item.done and not item.problem for item in intended))

    def _resolver(
        self,
        fingerprint: str,
        folder: "srntt.batch.OutputFolder | None",
        tally: "srntt.batch.Tally",
        progress: BatchProgress,
    ) -> "srntt.batch.Resolver":
        from srntt.batch import Resolver
        from srntt.memory import limits_within, parse_memory

        limits, pool = limits_within(self.limits, parse_memory(self.model.memory)), self._pool(folder, tally, progress)
        return Resolver(self.plan, pool, fingerprint, self.settings, best=self.references.best, limits=limits)

    def _pool(
        self, folder: "srntt.batch.OutputFolder | None", tally: "srntt.batch.Tally", progress: BatchProgress
    ) -> "srntt.batch.Pool | None":
        """The shared references, where a picture needs them."""
        from srntt.batch import KnownDescriptors, describe_pool
        from srntt.memory import limits_within, parse_memory

        if not (self.plan.chooses and self.plan.references):
            return None
        limits = limits_within(self.limits, parse_memory(self.model.memory))
        known = KnownDescriptors(folder.descriptors if folder else None)
        pool = describe_pool(self.plan.references, self.plan.shared, known, limits, progress.stage)
        tally.failed += pool.problems
        return pool

    def _refuse_earlier(self, folder: "srntt.batch.OutputFolder") -> None:
        if len(folder.manifest) and not (self.outputs.resume or self.outputs.overwrite):
            raise InputError(
                f"{folder.root} holds what an earlier run made. Go on with it: --resume. Make all again: --overwrite."
            )


def _began_before(outputs: "srntt.batch.Place") -> bool:
    from srntt.batch import STATE_FOLDER, Remote

    state = outputs / STATE_FOLDER
    return bool(state.files.exists(state.path)) if isinstance(state, Remote) else state.is_dir()


def _intended(
    resolver: "srntt.batch.Resolver", planned: "srntt.batch.PlannedPicture", folder: "srntt.batch.OutputFolder | None"
) -> Intended:
    try:
        job = resolver.resolve(planned)
    except SrnttError as error:
        return Intended(planned.name, planned.outputs, problem=str(error))
    done = folder is not None and folder.manifest.is_done(job, folder.outputs.is_whole)
    return Intended(planned.name, planned.outputs, tuple(file.name for file in job.references), done)


def _ended(failed: "list", done: int) -> int:
    """Name what failed, wherever standard output goes; then the exit code."""
    for name, reason in failed:
        complain(reason if name in reason else f"{name}: {reason}")
    if failed:
        return Exit.SOME_FAILED
    return Exit.DONE if done else Exit.NOTHING_TO_DO


@contextmanager
def _telling_of_interrupts(tally: "srntt.batch.Tally") -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        done = f"{tally.done + tally.skipped} of {tally.total} pictures are done"
        print(f"{done}; the same command with --resume goes on.", file=sys.stderr, flush=True)
        raise
