"""Several pictures of one scene as one: each is upscaled, and what agrees is averaged in the frame of the first."""

from collections.abc import Sequence

from srntt import image
from srntt.errors import InputError
from srntt.image import Limits, Picture, Source, resized
from srntt.models import Progress
from srntt.upscale import Upscaler
from srntt.video._steady import Steady, check_memory


def upscale_stack(
    upscaler: Upscaler,
    pictures: Sequence[Source],
    scale: float | int = 2,
    *,
    limits: Limits = Limits(),  # noqa: B008 (frozen)
    progress: Progress | None = None,
) -> Picture:
    """Upscale a burst of one scene: less noise and aliasing than one of its pictures.

    What moves, or is exposed or focused differently, is taken from the first picture alone.

    Args:
        upscaler: Model, device and memory budget.
        pictures: At least two of the same size, hand-held from the same place; the first determines the result.
        scale: Output pixels for an input pixel, from 1 to the scale of the model.
        limits: On reading.
        progress: Called with ("frames", done, total).

    Raises:
        InputError: A single picture, pictures of different sizes, or an invalid scale.
        PictureError: A file is not a complete picture.
        MemoryBudgetError: The outputs do not fit in memory.
    """
    if len(pictures) < 2:
        raise InputError("A stack needs at least two pictures of one scene. Use upscale for one.")
    if not 1 <= scale <= upscaler.scale:
        raise InputError(f"scale {scale:g}: must be from 1 to {upscaler.scale}.")
    steady, first = Steady(upscaler.scale), image.load(pictures[0], limits=limits)
    check_memory(upscaler.memory, first.height * upscaler.scale, first.width * upscaler.scale)
    made = first
    for done, source in enumerate((*pictures[1:], first)):
        picture = image.load(source, limits=limits)
        if (picture.height, picture.width) != (first.height, first.width) or picture.is_gray != first.is_gray:
            raise InputError(
                f"{picture.source} has {picture.width} x {picture.height} pixels, {first.source} {first.width} x "
                f"{first.height}: a stack consists of pictures of one size and kind."
            )
        made = steady.next(upscaler.upscale(picture, limits=limits).picture)
        if progress:
            progress("frames", done + 1, len(pictures))
    return resized(made, (round(first.height * scale), round(first.width * scale)))
