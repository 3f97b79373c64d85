"""``srntt upscale``."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from srntt.cli._compiling import telling_of_compiling
from srntt.cli._exit import Exit
from srntt.cli._interrupt import raise_if_interrupted
from srntt.cli._options import Json, LimitOptions, ModelOptions, refuse_missing
from srntt.cli._outputs import OutputOptions, plan_destinations
from srntt.cli._progress import ProgressOnStderr
from srntt.cli._say import say, say_json
from srntt.cli._summary import as_json, as_lines


def upscale(
    picture: Path,
    /,
    *,
    ref: Annotated[tuple[Path, ...], Parameter(name=["--ref", "-r"])] = (),
    augment_refs: bool = False,
    outputs: OutputOptions = OutputOptions(),  # noqa: B008 (frozen)
    model: ModelOptions = ModelOptions(),  # noqa: B008 (frozen)
    tile: Literal["auto"] | int = "auto",
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
    """
    refuse_missing([picture, *ref])
    outputs.check(with_references=bool(ref))
    ceiling = limits.limits()
    with telling_of_compiling():
        from srntt.image import load
        from srntt.upscale import limits_within, parse_memory

        source = load(picture, limits=limits_within(ceiling, parse_memory(model.memory)))
    places = plan_destinations(picture, source, outputs)
    with ProgressOnStderr() as progress, telling_of_compiling():
        upscaler = model.open()
        encoded = None
        if ref:
            encoded = upscaler.encode_references(list(ref), augment=augment_refs, limits=ceiling, progress=progress)
        result = upscaler.upscale(source, encoded, tile=tile, limits=ceiling, progress=progress)
    raise_if_interrupted()
    notes = places.write(result, outputs)
    if json:
        say_json(as_json(picture, places, upscaler, result, notes))
    else:
        say(*as_lines(places, result, notes))
    return Exit.DONE
