"""``srntt upscale``."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from srntt.cli._compiling import telling_of_compiling
from srntt.cli._duplicates import duplicates, unique
from srntt.cli._exit import Exit
from srntt.cli._interrupt import raise_if_interrupted
from srntt.cli._options import Json, LimitOptions, ModelOptions, refuse_missing, views_of
from srntt.cli._outputs import Destinations, OutputOptions, plan_destinations
from srntt.cli._progress import ProgressOnStderr
from srntt.cli._read_options import ReadOptions
from srntt.cli._say import say, say_json
from srntt.cli._summary import as_json, as_lines
from srntt.errors import InputError

if TYPE_CHECKING:
    import srntt.image
    import srntt.upscale


def upscale(
    picture: Path,
    /,
    *,
    ref: Annotated[tuple[Path, ...], Parameter(name=["--ref", "-r"])] = (),
    augment_refs: bool = False,
    base: Path | None = None,
    outputs: OutputOptions = OutputOptions(),  # noqa: B008 (frozen)
    model: ModelOptions = ModelOptions(),  # noqa: B008 (frozen)
    tile: Literal["auto"] | int = "auto",
    consistent: bool = False,
    self_ensemble: bool = False,
    reading: ReadOptions = ReadOptions(),  # noqa: B008 (frozen)
    limits: LimitOptions = LimitOptions(),  # noqa: B008 (frozen)
    json: Json = False,
) -> int:
    """Upscale a picture four times, with detail from references.

    Args:
        picture: The small picture.
        ref: A sharp picture of something similar, of any size. May be given several times; without any, the picture is
            upscaled on its own.
        augment_refs: Try each reference scaled and turned, too: slower, and better where scenes differ.
        base: The picture as another program enlarged it, exactly as much as the model does: references are added to it.
        tile: Side of a tile in pixels of the small picture, at least 32. Default: auto, the largest that the memory
            allows.
        consistent: Change the output as little as it takes for its reduction by bicubic to be the input, to 1 of 255.
        self_ensemble: Take the mean over the eight flips and quarter turns of picture and references: a little better,
            and eight times slower.
    """
    refuse_missing([picture, *ref, *(file for file in (base, model.base_model) if file)])
    if base and model.base_model:
        raise InputError("--base and --base-model are two bases. Give one of them.")
    outputs.check(with_references=bool(ref))
    reading.value_range()  # refused before anything is read
    ceiling = limits.limits()
    with telling_of_compiling():
        from srntt.memory import limits_within, parse_memory

        within = limits_within(ceiling, parse_memory(model.memory))
        source = reading.load(picture, within)
    places = plan_destinations(picture, source, outputs, paged=reading.page is not None)
    pages = 1 if reading.page else source.metadata.page[1]
    if base and pages > 1:
        raise InputError(f"--base {base} is one picture, and {picture} has {pages} pages. Choose one with --page N.")
    with ProgressOnStderr() as progress, telling_of_compiling():
        chosen, reason = model.chosen_for(source, based=base is not None)
        upscaler = chosen.open()
        request = _Request(unique(ref), views_of(augment_refs), base, tile, consistent, self_ensemble)
        work = _Work(request, upscaler, ceiling, progress)
        if pages > 1:
            every = (reading.load(picture, within, page=number) for number in range(1, pages + 1))
            results, notes = work.all(every, pages, places, outputs)
        else:
            results, notes = [work.one(source)], ()
    raise_if_interrupted()
    if pages == 1:
        notes = places.write(results[0], outputs)
    notes = (*duplicates(ref), *notes)
    if json:
        about = as_json(picture, places, upscaler, results[0], notes, reason)
        say_json(about | ({"pages": pages} if pages > 1 else {}))
    else:
        say(*as_lines(places, results[0], notes, reason, consistent=consistent))
        if pages > 1:
            say(f"pages: {pages}; the figures above are of the first")
    return Exit.DONE


@dataclass(frozen=True)
class _Request:
    """How the picture is to be upscaled."""

    references: tuple[Path, ...]
    views: tuple[str, ...]
    base: Path | None
    tile: Literal["auto"] | int
    consistent: bool
    self_ensemble: bool


@dataclass(frozen=True)
class _Work:
    """Upscaling of one picture, or of one after the other."""

    request: _Request
    upscaler: "srntt.upscale.Upscaler"
    limits: "srntt.image.Limits"
    progress: ProgressOnStderr

    def one(self, source: "srntt.image.Picture") -> "srntt.upscale.Result":
        """Upscale a picture."""
        from srntt.upscale import self_ensemble

        if self.request.self_ensemble:
            references = list(self.request.references)
            return self_ensemble(self.upscaler, source, references, views=self.request.views, **self._options())
        return self.upscaler.upscale(source, self._encoded, **self._options())

    def all(
        self, sources: "Iterable[srntt.image.Picture]", count: int, places: Destinations, outputs: OutputOptions
    ) -> "tuple[list[srntt.upscale.Result], tuple[str, ...]]":
        """Upscale pages and write them; returns the first result, and what could not be written."""
        first: list[srntt.upscale.Result] = []

        def results() -> "Iterator[srntt.upscale.Result]":
            for source in sources:
                result = self.one(source)
                if not first:
                    first.append(result)
                raise_if_interrupted()
                yield result

        notes = places.write_pages(results(), count, outputs)
        return first, notes

    def _options(self) -> dict[str, Any]:
        request = self.request
        return {
            "base": request.base,
            "tile": request.tile,
            "consistent": request.consistent,
            "limits": self.limits,
            "progress": self.progress,
        }

    @cached_property
    def _encoded(self) -> "srntt.upscale.References | None":
        references = list(self.request.references)
        if not references:
            return None
        options = {"views": self.request.views, "limits": self.limits, "progress": self.progress}
        return self.upscaler.encode_references(references, **options)
