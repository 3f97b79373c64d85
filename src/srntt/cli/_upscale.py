"""``srntt upscale``."""

import time
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import psutil
from cyclopts import Parameter

from srntt.cli._compiling import compiling_reported
from srntt.cli._exit import Exit
from srntt.cli._interrupt import raise_if_interrupted
from srntt.cli._library_options import LibraryOptions, found_as_json
from srntt.cli._options import Json, LimitOptions, ModelOptions, refuse_missing
from srntt.cli._outputs import Destinations, OutputOptions, plan_destinations
from srntt.cli._progress import ProgressOnStderr
from srntt.cli._references import duplicates, expanded, unique
from srntt.cli._say import say_either
from srntt.cli._summary import as_json, as_lines, as_time, seconds_of
from srntt.cli._upscale_options import InfluenceOptions, MethodOptions, ReadOptions, SizeOptions
from srntt.errors import InputError

if TYPE_CHECKING:
    import srntt.image
    import srntt.upscale

_CHEAP_HEADERS = ("PNG", "JPEG", "TIFF", "BMP")  # whose sizes Pillow reads without decoding anything
_USUAL = (1500, 2000)  # height and width of a reference whose size is not known yet
_ENSEMBLE = 8


def upscale(
    picture: Path | None = None,
    /,
    *more: Annotated[Path, Parameter(show=False)],
    ref: Annotated[tuple[Path, ...], Parameter(name=["--ref", "-r"], consume_multiple=True)] = (),
    library: LibraryOptions = LibraryOptions(),  # noqa: B008 (frozen)
    size: SizeOptions = SizeOptions(),  # noqa: B008 (frozen)
    influence: InfluenceOptions = InfluenceOptions(),  # noqa: B008 (frozen)
    base: Path | None = None,
    outputs: OutputOptions = OutputOptions(),  # noqa: B008 (frozen)
    model: ModelOptions = ModelOptions(),  # noqa: B008 (frozen)
    method: MethodOptions = MethodOptions(),  # noqa: B008 (frozen)
    reading: ReadOptions = ReadOptions(),  # noqa: B008 (frozen)
    limits: LimitOptions = LimitOptions(),  # noqa: B008 (frozen)
    json: Json = False,
) -> int:
    """Upscale a picture, four times or to any size, with detail from references.

    Args:
        picture: The low-res picture.
        ref: References, sharper pictures of similar content, of any size: files, folders, or patterns such as *.jpg.
            May be repeated. Without references, the picture is upscaled on its own.
        base: Output of another upscaler at the scale of the model, to which detail from references is added.
    """
    if picture is None or more:
        raise InputError(_not_one_picture(picture, more))
    ref = expanded(ref, picture)
    refuse_missing([picture, *ref, *influence.masks, *(file for file in (base, model.base_model) if file)])
    if base and model.base_model:
        raise InputError("--base and --base-model exclude each other. Give one of them.")
    referenced = bool(ref) or library.is_used
    outputs.check(with_references=referenced)
    reading.value_range()  # raises before anything is read
    reading_limits = limits.limits()
    with compiling_reported():
        from srntt.memory import limits_within, parse_memory

        influence.check(with_references=referenced)
        target = size.size()
        within = limits_within(reading_limits, parse_memory(model.memory))
        source = reading.load(picture, within)
    pages = 1 if reading.page else source.metadata.page[1]
    if base and pages > 1:
        raise InputError(f"--base {base} is one picture, and {picture} has {pages} pages. Choose one with --page N.")
    with ProgressOnStderr() as progress, compiling_reported() as compiled:
        chosen, reason = model.chosen_for(source, based=base is not None)
        upscaler = chosen.open()
        places = plan_destinations(picture, source, outputs, target, upscaler.scale, paged=reading.page is not None)
        album = library.open(within)
        found = album.find(source, exclude=[picture]) if album else None
        ref += found.paths if found else ()
        references = unique(ref)
        options = {"base": base, **influence.as_arguments()}
        work = _Work(upscaler, references, method, target, options, reading_limits, progress)
        schedule = work.schedule(source)
        if pages == 1:
            progress.follow(schedule)
            results, notes = [work.one(source)], ()
        else:
            every = (reading.load(picture, within, page=number) for number in range(1, pages + 1))
            results, notes = work.all(every, pages, places, outputs)
    raise_if_interrupted()
    if pages == 1:
        notes = places.write(results[0], outputs)
        if not compiled.shown:
            schedule.finish()
    notes = (*duplicates(ref, references), *notes)
    about = as_json(picture, places, upscaler, results[0], notes, reason) | seconds_of(schedule, pages)
    about["library"] = found and found_as_json(found)
    lines = as_lines(places, results[0], notes, as_time(schedule, pages), reason, consistent=method.consistent)
    if found:
        lines += [f"library: {line}" for line in (*found.reasons, *found.remarks)]
    if pages > 1:
        about["pages"] = pages
        lines.append(f"pages: {pages}; the figures above are for the first")
    say_either(lines, about, as_json=json)
    return Exit.DONE


def _not_one_picture(picture: Path | None, more: Sequence[Path]) -> str:
    if picture is None:
        return (
            "Give a picture to upscale: srntt upscale small.png --ref sharp1.jpg sharp2.jpg. `srntt upscale --help` "
            "lists the options."
        )
    named = ", ".join(map(str, (picture, *more)[:3])) + (", ..." if len(more) > 2 else "")
    return (
        f"upscale takes one picture, but {1 + len(more)} were given: {named}. References follow --ref: srntt "
        f"upscale {picture} --ref {more[0]}. For several low-res pictures, use a folder: srntt batch FOLDER "
        "--refs FOLDER -o FOLDER"
    )


@dataclass(frozen=True)
class _Work:
    """Upscaling of one picture, or of several pages; ``options`` are arguments of ``Upscaler.upscale``."""

    upscaler: "srntt.upscale.Upscaler"
    references: tuple[Path, ...]
    method: MethodOptions
    size: "srntt.upscale.OutputSize"
    options: dict[str, Any]
    limits: "srntt.image.Limits"
    progress: ProgressOnStderr

    def schedule(self, source: "srntt.image.Picture") -> "srntt.upscale.Schedule":
        """Return the stages of upscaling a picture with their predicted times, from the start of the process."""
        from srntt.upscale import Schedule, Speeds, Workload

        upscaler, picture = self.upscaler, (source.height, source.width)
        sizes, output = [_size(file) for file in self.references], self.size.of(*picture, upscaler.scale)
        repeated = _ENSEMBLE if self.method.self_ensemble else 1
        load = Workload(picture, sizes, output, self.method.augment_refs, upscaler.align == "auto", repeated)
        began = time.monotonic() - (time.time() - psutil.Process().create_time())
        speeds = Speeds.of(upscaler.model_name, upscaler.device)
        processor = time.process_time if upscaler.device.type == "cpu" else None
        return Schedule(upscaler.units(load), speeds, began=began, processor=processor)

    def one(self, source: "srntt.image.Picture") -> "srntt.upscale.Result":
        """Upscale a picture."""
        from srntt.upscale import self_ensemble

        if self.method.self_ensemble:
            references, views = list(self.references), self.method.views
            return self_ensemble(self.upscaler, source, references, views=views, **self._options(source))
        return self.upscaler.upscale(source, self._encoded, **self._options(source))

    def all(
        self, sources: "Iterable[srntt.image.Picture]", count: int, places: Destinations, outputs: OutputOptions
    ) -> "tuple[list[srntt.upscale.Result], tuple[str, ...]]":
        """Upscale pages and write them; return the first result, and notes on what could not be represented."""
        first: list[srntt.upscale.Result] = []

        def results() -> "Iterator[srntt.upscale.Result]":
            for number, source in enumerate(sources, 1):
                self.progress.page(number, count)
                result = self.one(source)
                if not first:
                    first.append(result)
                raise_if_interrupted()
                yield result

        notes = places.write_pages(results(), count, outputs)
        return first, notes

    def _options(self, source: "srntt.image.Picture") -> dict[str, Any]:
        height, width = self.size.of(source.height, source.width, self.upscaler.scale)
        common = {"size": (width, height), "tile": self.method.tile, "consistent": self.method.consistent}
        return {**self.options, **common, "limits": self.limits, "progress": self.progress}

    @cached_property
    def _encoded(self) -> "srntt.upscale.References | None":
        if not self.references:
            return None
        return self.upscaler.encode_references(
            list(self.references), views=self.method.views, limits=self.limits, progress=self.progress
        )


def _size(file: Path) -> tuple[int, int]:
    """Return height and width of a reference, if they are read without decoding it."""
    from PIL import Image

    with suppress(Exception), warnings.catch_warnings():  # reading the file will report any error
        warnings.simplefilter("ignore")
        if not file.is_file():  # opening a FIFO would block
            return _USUAL
        with Image.open(file, formats=_CHEAP_HEADERS) as opened:
            return opened.height, opened.width
    return _USUAL
