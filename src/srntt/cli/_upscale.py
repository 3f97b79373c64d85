"""``srntt upscale``."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from srntt.cli._compiling import telling_of_compiling
from srntt.cli._exit import Exit
from srntt.cli._interrupt import raise_if_interrupted
from srntt.cli._options import Json, LimitOptions, ModelOptions, refuse_missing, views_of
from srntt.cli._outputs import OutputOptions, plan_destinations
from srntt.cli._progress import ProgressOnStderr
from srntt.cli._say import say, say_json
from srntt.cli._summary import as_json, as_lines

if TYPE_CHECKING:
    import srntt.image
    import srntt.upscale


def upscale(
    picture: Path,
    /,
    *,
    ref: Annotated[tuple[Path, ...], Parameter(name=["--ref", "-r"])] = (),
    augment_refs: bool = False,
    outputs: OutputOptions = OutputOptions(),  # noqa: B008 (frozen)
    model: ModelOptions = ModelOptions(),  # noqa: B008 (frozen)
    tile: Literal["auto"] | int = "auto",
    consistent: bool = False,
    self_ensemble: bool = False,
    limits: LimitOptions = LimitOptions(),  # noqa: B008 (frozen)
    json: Json = False,
) -> int:
    """Upscale a picture four times, with detail from references.

    Args:
        picture: The small picture.
        ref: A sharp picture of something similar, of any size. May be given several times; without any, the picture is
            upscaled on its own.
        augment_refs: Try each reference scaled and turned, too: slower, and better where scenes differ.
        tile: Side of a tile in pixels of the small picture, at least 32. Default: auto, the largest that the memory
            allows.
        consistent: Change the output as little as it takes for its reduction by bicubic to be the input, to 1 of 255.
        self_ensemble: Take the mean over the eight flips and quarter turns of picture and references: a little better,
            and eight times slower.
    """
    refuse_missing([picture, *ref])
    outputs.check(with_references=bool(ref))
    ceiling = limits.limits()
    with telling_of_compiling():
        from srntt.image import load
        from srntt.memory import limits_within, parse_memory

        source = load(picture, limits=limits_within(ceiling, parse_memory(model.memory)))
    places = plan_destinations(picture, source, outputs)
    with ProgressOnStderr() as progress, telling_of_compiling():
        upscaler = model.open()
        asked = _Asked(ref, views_of(augment_refs), tile, consistent, self_ensemble)
        result = asked.of(upscaler, source, ceiling, progress)
    raise_if_interrupted()
    notes = places.write(result, outputs)
    if json:
        say_json(as_json(picture, places, upscaler, result, notes))
    else:
        say(*as_lines(places, result, notes, consistent=consistent))
    return Exit.DONE


@dataclass(frozen=True)
class _Asked:
    """How the picture is to be upscaled."""

    references: tuple[Path, ...]
    views: tuple[str, ...]
    tile: Literal["auto"] | int
    consistent: bool
    self_ensemble: bool

    def of(
        self,
        upscaler: "srntt.upscale.Upscaler",
        source: "srntt.image.Picture",
        limits: "srntt.image.Limits",
        progress: ProgressOnStderr,
    ) -> "srntt.upscale.Result":
        """Do it."""
        from srntt.upscale import self_ensemble

        references = list(self.references)
        options = {"tile": self.tile, "consistent": self.consistent, "limits": limits, "progress": progress}
        if self.self_ensemble:
            return self_ensemble(upscaler, source, references, views=self.views, **options)
        encoded = None
        if references:
            encoded = upscaler.encode_references(references, views=self.views, limits=limits, progress=progress)
        return upscaler.upscale(source, encoded, **options)
