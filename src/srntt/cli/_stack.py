"""``srntt stack``."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from srntt.cli._compiling import compiling_reported
from srntt.cli._exit import Exit
from srntt.cli._interrupt import raise_if_interrupted
from srntt.cli._options import LimitOptions, ModelOptions, refuse_missing
from srntt.cli._progress import ProgressOnStderr
from srntt.cli._say import say


def stack(
    *pictures: Path,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    scale: float = 2,
    overwrite: bool = False,
    model: ModelOptions = ModelOptions(),  # noqa: B008 (frozen)
    limits: LimitOptions = LimitOptions(),  # noqa: B008 (frozen)
) -> int:
    """Upscale a burst: several hand-held pictures of one scene give one with less noise.

    What moves, or is exposed or focused differently, is taken from the first picture alone.

    Args:
        pictures: At least two pictures of the same size; the first determines the result.
        output: File to write.
        scale: Output pixels for an input pixel, 1 to 4. Default: 2.
        overwrite: Replace an existing output.
    """
    refuse_missing(pictures)
    with ProgressOnStderr("pictures") as progress, compiling_reported():
        from srntt.image import Source, check_output, load, save
        from srntt.video import upscale_stack

        within, reason = limits.limits(), None
        given: list[Source] = list(pictures)
        if given:
            first = given[0] = load(pictures[0], limits=within)
            size = (round(first.width * scale), round(first.height * scale))
            check_output(output, width=size[0], height=size[1], bits=first.bits, overwrite=overwrite)
            model, reason = model.chosen_for(first)
        made = upscale_stack(model.open(), given, scale, limits=within, progress=progress)
    raise_if_interrupted()
    notes = save(made, output, overwrite=overwrite)
    say(
        f"{output}: {made.width}x{made.height} from {len(pictures)} pictures",
        *(f"model: {text}" for text in (reason,) if text),
        *(f"note: {text}" for text in notes),
    )
    return Exit.DONE
