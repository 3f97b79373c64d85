"""References reduced until an order fits the limits in predicted time and memory."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from srntt.demo._limits import OrderLimits
from srntt.errors import MemoryBudgetError
from srntt.image import Picture, resized
from srntt.upscale import Schedule, Speeds, Upscaler, Workload

_LEAST_PIXELS = 1_000_000  # to which references are reduced; with less they have little detail left to give
_TIME_STEP, _MEMORY_STEP = 2, 4  # factors of the pixels from one attempt to the next
_NOT_OURS = ("start", "finish")  # stages of the command line, of other length here

Made = TypeVar("Made")


def schedule_of(upscaler: Upscaler, picture: Picture, references: Sequence[Picture], size: tuple[int, int]) -> Schedule:
    """Return the stages of an upscale with their predicted times.

    Args:
        upscaler: The model.
        picture: Low-res picture.
        references: References.
        size: Height and width of the output.
    """
    sizes = [(each.height, each.width) for each in references]
    load = Workload((picture.height, picture.width), sizes, size, aligned=upscaler.align == "auto")
    units = [unit for unit in upscaler.units(load) if unit[0] not in _NOT_OURS]
    return Schedule(units, Speeds.of(upscaler.model_name, upscaler.device))


def within_pixels(references: Sequence[Picture], limits: OrderLimits) -> list[Picture]:
    """Reduce references above the limit of their pixels; only those of a local visitor can be above it."""
    return [_reduced(each, limits.max_reference_pixels) for each in references]


def within_seconds(
    references: Sequence[Picture], predicted: Callable[[Sequence[Picture]], float], limits: OrderLimits
) -> list[Picture]:
    """Reduce the references of a local visitor until the predicted time is within the limit.

    Args:
        references: References.
        predicted: Returns the predicted time with some references, in seconds.
        limits: The limits.

    Raises:
        InputError: The time is too long even then; for other visitors, without reducing.
    """
    fitting = list(references)
    for fitting in _ladder(references, _TIME_STEP, limits):
        if limits.max_seconds is None or predicted(fitting) <= limits.max_seconds:
            return fitting
    limits.check_time(predicted(fitting))
    return fitting


def within_memory(
    references: Sequence[Picture], work: Callable[[Sequence[Picture]], Made], limits: OrderLimits
) -> tuple[Made, list[Picture]]:
    """Do work with references, which are reduced if the work is predicted to exceed the memory.

    Args:
        references: References.
        work: Done with the references; it raises MemoryBudgetError before it exceeds the memory.
        limits: The limits.

    Returns:
        The result, and the references as used.

    Raises:
        MemoryBudgetError: Memory does not suffice even with reduced references.
    """
    refused: MemoryBudgetError | None = None
    for fitting in _ladder(references, _MEMORY_STEP, limits):
        try:
            return work(fitting), fitting
        except MemoryBudgetError as error:
            refused = error
    assert refused
    raise limits.refused_memory(refused) from refused


def reductions(sizes: Sequence[tuple[int, int]], used: Sequence[Picture]) -> tuple[str, ...]:
    """Return a note for each reference that was reduced, given the heights and widths as read."""
    return tuple(
        f"{each.source}: reduced from {width} x {height} to {each.width} x {each.height} pixels, which its positions "
        "refer to. To keep it larger, start srntt serve with more --max-seconds, --memory or --max-reference-pixels"
        for (height, width), each in zip(sizes, used, strict=True)
        if (height, width) != (each.height, each.width)
    )


def _ladder(references: Sequence[Picture], step: int, limits: OrderLimits) -> Iterator[list[Picture]]:
    """Yield the references unchanged, then, for a local visitor, in ever smaller sizes."""
    yield list(references)
    most = max((each.width * each.height for each in references), default=0)
    while limits.local and most > _LEAST_PIXELS:
        most = max(_LEAST_PIXELS, most // step)
        yield [_reduced(each, most) for each in references]


def _reduced(picture: Picture, pixels: int) -> Picture:
    """Reduce a picture to a number of pixels."""
    if picture.width * picture.height <= pixels:
        return picture
    factor = math.sqrt(pixels / (picture.width * picture.height))
    return resized(picture, (max(1, int(picture.height * factor)), max(1, int(picture.width * factor))))
