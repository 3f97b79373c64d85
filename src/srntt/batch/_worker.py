"""Worker that performs tasks sequentially, in any process, and writes their files under temporary names."""

import errno
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from torch import nn

import srntt
from srntt._failures import is_out_of_memory
from srntt.batch._encoded import EncodedReferences, ReferenceStore
from srntt.batch._library_references import LibraryReferences
from srntt.batch._local_folder import Save
from srntt.batch._record import History, Record
from srntt.batch._resolve import ResolvedTask, Resolver, UpscaleOptions
from srntt.batch._shared_references import ReferenceFile, SharedReferences
from srntt.batch._tasks import SIDE_FILES, Batch, SideFile, Task
from srntt.errors import MemoryBudgetError, OutputError, SrnttError
from srntt.image import Limits, Picture, holds_pages, save, save_pages
from srntt.models import Progress
from srntt.upscale import References, Result, Upscaler, self_ensemble

_CACHE_BYTES = 2 * 10**9  # for encoded references, if no memory budget is given
_NO_MORE_WRITING = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


@dataclass(frozen=True)
class WorkerSpec:
    """Specification of a worker. It can be pickled.

    Attributes:
        model: Model on the CPU.
        name: Name of the model.
        batch: Batch of the tasks.
        shared: Shared references.
        options: Options of all outputs.
        history: Outputs of earlier runs.
        device: Device, as for `Upscaler`.
        memory: Memory budget of each worker in bytes, or None.
        base_model: ONNX file of the base upscaler, at this path on every machine; None for none.
        masks: Masks of places where references are not used, or are used exclusively.
        best: Number of shared references for a picture.
        limits: Limits on reading.
        resume: Skip pictures that an earlier run has completed.
        overwrite: Also replace files that no run wrote.
        version: Version of srntt.
    """

    model: nn.Module
    name: str
    batch: Batch
    shared: SharedReferences | LibraryReferences
    options: UpscaleOptions
    history: History
    device: str = "auto"
    memory: int | None = None
    base_model: Path | None = None
    masks: tuple[Path, ...] = ()
    best: int = 4
    limits: Limits = field(default_factory=Limits)
    resume: bool = False
    overwrite: bool = False
    version: str = srntt.__version__


class Worker:
    """Worker that performs one task at a time, in this process or on a cluster.

    Args:
        spec: Specification of the worker.
        store: Store of references shared with other workers; None if there are none.

    Raises:
        InputError, MissingDependencyError: The device or matcher is not available.
    """

    def __init__(self, spec: WorkerSpec, store: ReferenceStore | None = None) -> None:
        device, memory, options = spec.device, spec.memory, spec.options
        self._spec, self._outputs = spec, spec.batch.outputs
        self._resolver = Resolver(spec.batch, spec.shared, options, spec.best, spec.limits, memory)
        self._upscaler = Upscaler(
            spec.model,
            name=spec.name,
            device=device,
            memory=memory,
            matcher=options.matcher,
            align=options.align,
            base_model=spec.base_model,
        )
        self._fingerprint = self._upscaler.fingerprint
        most = _CACHE_BYTES if memory is None else memory // 4
        self._references = EncodedReferences(self._encode, most, store)

    def __call__(self, task: Task, progress: Progress | None = None) -> Record:
        """Perform a task. Exceptions are reported in the record; only others, such as KeyboardInterrupt, are raised."""
        began, record = time.monotonic(), Record(task.name)
        self._references.counts.clear()
        try:
            resolved = self._resolver.resolve(task)
            key = resolved.key(self._spec.options, self._fingerprint)
            record = replace(record, key=key)
            if not (self._spec.resume and self._spec.history.is_done(resolved, key, self._outputs)):
                record = self._make(record, resolved, progress)
        except Exception as error:
            reason, fatal = explained(error)
            record = replace(record, reason=reason, fatal=fatal)
        counts, device = self._references.counts.copy(), str(self._upscaler.device)
        return replace(record, seconds=time.monotonic() - began, counts=counts, device=device)

    def _make(self, record: Record, resolved: ResolvedTask, progress: Progress | None) -> Record:
        options, picture = self._spec.options, resolved.input.picture
        self._outputs.make_parent(resolved.task.outputs[0])
        output = self._free_output(resolved, picture)
        count = picture.metadata.page[1] if holds_pages(output) and not options.page else 1
        pages = resolved.input.pages() if count > 1 else iter([picture])
        result, fallbacks = self._upscale(resolved, next(pages), progress)
        upscaled = self._output_picture(result)
        save_output = partial(save, upscaled, strip=options.strip, quality=options.quality)
        if count > 1:
            others = (self._output_picture(self._once(resolved, page, progress)) for page in pages)
            save_output = partial(save_pages, chain([upscaled], others), count=count, strip=options.strip)
        large, notes = self._outputs.stage(os.path.splitext(output)[1], save_output)
        side = (self._outputs.stage(SIDE_FILES[kind], _saver(kind, result))[0] for kind in resolved.side_files)
        staged = (*side, large)
        about = self._about(resolved, result, fallbacks + result.fallbacks) | {"notes": [*upscaled.notes, *notes]}
        files = tuple(file._replace(output=name) for file, name in zip(staged, resolved.files(output), strict=True))
        return replace(record, files=files, staged=tuple(file.output for file in staged), about=about)

    def _output_picture(self, result: Result) -> Picture:
        return result.picture.to_8bit() if self._spec.options.bits == 8 else result.picture

    def _free_output(self, resolved: ResolvedTask, picture: Picture) -> str:
        """Return the first free name whose format can represent the output, before any work.

        Raises:
            OutputError: No format can represent it, or the file exists.
        """
        output = self._first_that_holds(resolved.task.outputs, picture)
        for name in resolved.files(output):
            replaceable = self._spec.overwrite or self._spec.history.owns(name)
            if not self._outputs.is_free(name, replaceable=replaceable):
                raise OutputError(
                    f"{self._outputs.locate(name)}: exists already, and the manifest of the folder does not list it: "
                    "another program wrote it, or lines of the manifest were lost. Give another folder, or replace "
                    "such files with --overwrite (overwrite=True in Python)."
                )
        return output

    def _first_that_holds(self, outputs: Sequence[str], picture: Picture) -> str:
        height, width = self._spec.options.size.of(picture.height, picture.width, self._upscaler.scale)
        needs = {
            "width": width,
            "height": height,
            "bits": self._spec.options.bits or picture.bits,
            "alpha": not picture.opaque,
            "cicp": picture.metadata.cicp is not None,
        }
        *others, last = outputs
        for output in others:
            with suppress(OutputError):
                self._outputs.check_output(output, **needs)
                return output
        self._outputs.check_output(last, **needs)
        return last

    def _upscale(
        self, resolved: ResolvedTask, picture: Picture, progress: Progress | None
    ) -> tuple[Result, tuple[str, ...]]:
        """Upscale; if memory runs out, evict cached references and retry, reported as a fallback."""
        try:
            return self._once(resolved, picture, progress), ()
        except MemoryBudgetError:
            if not self._references.trim(resolved.references):
                raise
        return self._once(resolved, picture, progress), ("memory: references kept for later pictures were given up",)

    def _once(self, resolved: ResolvedTask, picture: Picture, progress: Progress | None) -> Result:
        options = self._spec.options
        asked = {"tile": options.tile, "consistent": options.consistent, "limits": self._spec.limits}
        height, width = options.size.of(picture.height, picture.width, self._upscaler.scale)
        boxes = [place for place in options.protect if isinstance(place, tuple)]
        asked |= {"size": (width, height), "strength": options.strength, "protect": [*boxes, *self._spec.masks]}
        asked["protect_invert"] = options.protect_invert
        if options.self_ensemble:
            opened = (self._resolver.open_reference(file) for file in resolved.references)
            named = [replace(one, source=file.name) for one, file in zip(opened, resolved.references, strict=True)]
            return self_ensemble(self._upscaler, picture, named, views=options.views, progress=progress, **asked)
        references = self._references.get(resolved.references, views=options.views)
        return self._upscaler.upscale(picture, references, progress=progress, **asked)

    def _encode(self, file: ReferenceFile, views: tuple[str, ...]) -> References:
        try:
            return self._upscaler.encode_references([self._resolver.open_reference(file)], views=views)
        except SrnttError as error:
            raise type(error)(f"reference {error}") from error

    def _about(self, resolved: ResolvedTask, result: Result, fallbacks: tuple[str, ...]) -> dict[str, Any]:
        """Return information on an output for the manifest."""
        return {
            "width": result.picture.width,
            "height": result.picture.height,
            "references": _shares(resolved.references, result),
            "similarity": None if result.similarity is None else round(float(result.similarity.mean()), 4),
            "consistency": result.consistency.as_json(),
            "model": self._upscaler.model_name,
            "fingerprint": self._fingerprint,
            "settings": asdict(self._spec.options),
            "device": str(self._upscaler.device),
            "matcher": result.matcher,
            "srntt": srntt.__version__,
            "seconds": round(result.seconds, 3),
            "fallbacks": fallbacks,
        }


def explained(error: Exception) -> tuple[str, type[SrnttError] | None]:
    """Return a sentence for the user, and the type of error if it ends the run because every task would fail."""
    if isinstance(error, SrnttError):
        message = str(error)
    elif is_out_of_memory(error):
        message = "out of memory. Set a budget with --memory, or close other programs."
    else:
        message = f"{type(error).__name__}: {error}"
    if _no_more_writing(error):
        return f"{message} Free some space, and continue with --resume.", OutputError
    return message, None


def _no_more_writing(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, OSError) and error.errno in _NO_MORE_WRITING:
            return True
        error = error.__cause__
    return False


def _saver(kind: SideFile, result: Result) -> Save:
    """Return the function that writes a side file of a result with references."""
    if kind != "provenance":
        picture = result.share_picture() if kind == "map" else result.similarity_picture()
        assert picture is not None
        return partial(save, picture)

    def save_provenance(path: Path) -> tuple[str, ...]:
        assert result.provenance is not None
        result.provenance.save(path)
        return ()

    return save_provenance


def _shares(references: Sequence[ReferenceFile], result: Result) -> list[dict[str, Any]]:
    """Return the share and outcome of each reference."""
    known = [file._asdict() for file in references]
    if result.provenance is None:
        return known
    return [
        {**file, **{name: fact for name, fact in used.as_json().items() if name != "source"}}
        for file, used in zip(known, result.references, strict=True)
    ]
