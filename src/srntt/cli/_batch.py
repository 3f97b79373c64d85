"""``srntt batch``: upscale folders of pictures."""

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from srntt.cli._batch_options import BatchOutputOptions, BatchReferenceOptions, upscale_options
from srntt.cli._batch_progress import BatchProgress
from srntt.cli._batch_summary import Preview, about_raw, as_json, as_lines, previews_as_json, previews_as_lines
from srntt.cli._compiling import compiling_reported
from srntt.cli._engine_options import EngineOptions
from srntt.cli._exit import Exit, NothingToDoError
from srntt.cli._library_options import LibraryOptions
from srntt.cli._options import Json, LimitOptions, ModelOptions, refuse_missing
from srntt.cli._say import complain, complain_of_each, say_either
from srntt.cli._upscale_options import InfluenceOptions, MethodOptions, ReadOptions, SizeOptions
from srntt.errors import InputError, SrnttError

if TYPE_CHECKING:
    import srntt.batch
    import srntt.image
    import srntt.library


def batch(
    folder: str,
    /,
    *,
    outputs: BatchOutputOptions,
    references: BatchReferenceOptions = BatchReferenceOptions(),  # noqa: B008 (frozen)
    library: LibraryOptions = LibraryOptions(),  # noqa: B008 (frozen)
    recursive: bool = False,
    dry_run: bool = False,
    size: SizeOptions = SizeOptions(),  # noqa: B008 (frozen)
    influence: InfluenceOptions = InfluenceOptions(),  # noqa: B008 (frozen)
    engine: EngineOptions = EngineOptions(),  # noqa: B008 (frozen)
    model: ModelOptions = ModelOptions(),  # noqa: B008 (frozen)
    method: MethodOptions = MethodOptions(),  # noqa: B008 (frozen)
    reading: ReadOptions = ReadOptions(),  # noqa: B008 (frozen)
    limits: LimitOptions = LimitOptions(),  # noqa: B008 (frozen)
    json: Json = False,
) -> int:
    """Upscale a folder of pictures, each with its own references or the most similar ones of a folder.

    Files that fail are reported at the end and do not stop the run. An interrupted or killed run leaves complete files
    only, and continues with --resume.

    Args:
        folder: Folder of the low-res pictures, or a URL such as s3://bucket/small.
        recursive: Include subfolders, which are mirrored in the output.
        dry_run: List what would be done, without doing it.
    """
    engine.check()
    from srntt.batch import LocalFolder, plan_batch, with_library

    inputs, output = engine.place(folder), engine.place(outputs.output)
    refs = engine.place(references.refs) if references.refs else None
    if refs and library.is_used:
        raise InputError("--refs and --library exclude each other. Give one of them.")
    album = library.open(limits.limits())
    referenced = refs is not None or album is not None
    outputs.check(with_references=referenced)
    influence.check(with_references=referenced)
    bases = [model.base_model] if model.base_model else []
    refuse_missing(
        [*influence.masks, *(place.path for place in (inputs, refs) if isinstance(place, LocalFolder)), *bases]
    )
    planned = plan_batch(
        inputs, output, refs, recursive=recursive, suffix=outputs.suffix(), side_files=outputs.side_files()
    )
    if not planned.tasks and not planned.failures:
        raise NothingToDoError(
            f"{folder}: no pictures{'' if recursive else ' (use --recursive to include subfolders)'}; "
            f"{planned.ignored} other files.{''.join(f' {note}.' for note in about_raw(planned))}"
        )
    if album:
        planned = with_library(planned, album)
    chosen = upscale_options(outputs, method, model, size, influence, reading)
    limit, masks = limits.limits(), influence.masks
    command = _Command(planned, outputs, references, album, engine, model, chosen, limit, masks, json)
    return command.preview() if dry_run else command.run()


@dataclass(frozen=True)
class _Command:
    """Validated command."""

    batch: "srntt.batch.Batch"
    outputs: BatchOutputOptions
    references: BatchReferenceOptions
    library: "srntt.library.Library | None"
    engine: EngineOptions
    model: ModelOptions
    options: "srntt.batch.UpscaleOptions"
    limits: "srntt.image.Limits"
    masks: tuple[Path, ...]
    json: bool

    def run(self) -> int:
        """Run the batch and print a summary."""
        from srntt.batch import Tally, keep_records, open_output_folder

        began, tally = time.monotonic(), Tally(len(self.batch.tasks), failed=list(self.batch.failures))
        with open_output_folder(self.batch.outputs) as folder:
            self._refuse_earlier(folder)
            with (
                BatchProgress() as progress,
                compiling_reported(),
                _interrupts_reported(tally),
                self._records(folder, tally, progress) as records,
            ):
                watch = partial(progress.picture, tally)
                keep_records(records, folder, tally, watch, overwrite=self.outputs.overwrite)
        seconds = time.monotonic() - began
        outcome = self.batch, tally, seconds, folder.notes
        say_either(as_lines(*outcome), as_json(*outcome), as_json=self.json)
        return _exit_code(tally.failed, tally.done)

    @contextmanager
    def _records(
        self, folder: "srntt.batch.OutputFolder", tally: "srntt.batch.Tally", progress: BatchProgress
    ) -> "Iterator[Iterable[srntt.batch.Record]]":
        """Provide the records of the pictures as the engine completes them."""
        from srntt.batch import AutoWorker, RayWorkers, Worker, work_here
        from srntt.models import choose_device

        starting = partial(progress.picture, tally)
        if self.engine.engine == "local":
            choose_device(self.model.device)  # raises before references are described, which may take long
            spec = self._spec(folder, tally, progress)
            worker = AutoWorker(partial(_with_model, spec)) if tally.model == "auto" else Worker(spec)
            yield work_here(worker, self.batch.tasks, starting, progress.stage)
            return
        if self.model.model == "auto" and not self.model.base_model:
            complain(
                f"{self.model.named().model}: --model auto applies to --engine local; name a model for --engine ray"
            )
        with self.engine.connected() as room:
            tally.workers = room.number
            yield RayWorkers(self._spec(folder, tally, progress), room).work(self.batch.tasks, starting)

    def _spec(
        self, folder: "srntt.batch.OutputFolder", tally: "srntt.batch.Tally", progress: BatchProgress
    ) -> "srntt.batch.WorkerSpec":
        """Create the specification of the workers."""
        from srntt.batch import WorkerSpec
        from srntt.memory import parse_memory
        from srntt.models import open_model

        auto = self.model.model == "auto" and self.engine.engine == "local" and not self.model.base_model
        name = "auto" if auto else self.model.named().model
        model = open_model(self.model.named().model)
        shared = self._shared(folder, progress)
        tally.failed += shared.failures
        tally.model = name if "://" in name else Path(name).name
        return WorkerSpec(
            model=model,
            name=tally.model,
            batch=self.batch,
            shared=shared,
            options=self.options,
            history=folder.history,
            device=self.model.device,
            memory=parse_memory(self.model.memory),
            base_model=self.model.base_model and Path(os.path.abspath(self.model.base_model)),
            masks=tuple(Path(os.path.abspath(mask)) for mask in self.masks),
            best=self.references.best,
            limits=self.limits,
            resume=self.outputs.resume,
            overwrite=self.outputs.overwrite,
        )

    def preview(self) -> int:
        """Print what `run` would do."""
        from srntt.batch import Resolver, open_output_folder
        from srntt.memory import parse_memory

        began_before = self.outputs.resume and self.batch.outputs.has_state()
        opened = open_output_folder(self.batch.outputs) if began_before else nullcontext()
        with opened as folder, BatchProgress() as progress, compiling_reported():
            fingerprint_for = cache(_fingerprint)
            shared = self._shared(folder, progress)
            memory = parse_memory(self.model.memory)
            resolver = Resolver(self.batch, shared, self.options, self.references.best, self.limits, memory)
            previews = [self._preview(resolver, task, fingerprint_for, folder) for task in self.batch.tasks]
        say_either(previews_as_lines(self.batch, previews), previews_as_json(self.batch, previews), as_json=self.json)
        failed = [(item.name, item.problem) for item in previews if item.problem]
        to_do = sum(not item.done and not item.problem for item in previews)
        return _exit_code([*self.batch.failures, *shared.failures, *failed], to_do)

    def _preview(
        self,
        resolver: "srntt.batch.Resolver",
        task: "srntt.batch.Task",
        fingerprint_for: Callable[[str], str],
        folder: "srntt.batch.OutputFolder | None",
    ) -> Preview:
        try:
            resolved = resolver.resolve(task)
        except SrnttError as error:
            return Preview(task.name, task.outputs, problem=str(error))
        done = False
        if folder is not None:
            named = self.model.named() if self.engine.engine == "ray" else self.model
            model, _ = named.chosen_for(resolved.input.picture)
            key = resolved.key(self.options, fingerprint_for(model.model))
            done = folder.history.is_done(resolved, key, folder.place)
        return Preview(task.name, task.outputs, tuple(file.name for file in resolved.references), done)

    def _shared(
        self, folder: "srntt.batch.OutputFolder | None", progress: BatchProgress
    ) -> "srntt.batch.SharedReferences | srntt.batch.LibraryReferences":
        """Return the shared references, if any picture needs them, or those of the library."""
        from srntt.batch import LibraryReferences, SharedReferences, describe_references
        from srntt.memory import limits_within, parse_memory

        if self.library:
            return LibraryReferences.of(self.library, self.limits)
        if not (self.batch.references and self.batch.chooses):
            return SharedReferences()
        limits, lines = limits_within(self.limits, parse_memory(self.model.memory)), folder and folder.descriptors
        return describe_references(self.batch.references, self.batch.shared, lines, limits, progress.stage)

    def _refuse_earlier(self, folder: "srntt.batch.OutputFolder") -> None:
        if folder.history.records and not (self.outputs.resume or self.outputs.overwrite):
            raise InputError(
                f"{folder.place} contains outputs of an earlier run. Continue it with --resume, or use --overwrite."
            )


def _with_model(spec: "srntt.batch.WorkerSpec", name: str) -> "srntt.batch.WorkerSpec":
    from srntt.models import open_model

    return replace(spec, model=open_model(name), name=name)


def _fingerprint(model: str) -> str:
    from srntt.models import fingerprint, open_model

    return fingerprint(open_model(model))


def _exit_code(failed: "Sequence[tuple[str, str]]", done: int) -> int:
    """Print the failures on stderr, and return the exit code."""
    complain_of_each(failed)
    if failed:
        return Exit.SOME_FAILED
    return Exit.DONE if done else Exit.NOTHING_TO_DO


@contextmanager
def _interrupts_reported(tally: "srntt.batch.Tally") -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        done = f"{tally.done + tally.skipped} of {tally.total} pictures are done"
        print(f"{done}; continue with --resume.", file=sys.stderr, flush=True)
        raise
