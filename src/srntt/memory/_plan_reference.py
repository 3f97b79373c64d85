"""Band height for encoding a reference within the memory budget."""

from collections.abc import Sequence
from dataclasses import dataclass

from srntt.errors import MemoryBudgetError
from srntt.memory._appetite import Appetite
from srntt.memory._needs import CODE
from srntt.memory._process import format_memory
from srntt.memory._room import Room

_BANDS = (1024, 512, 256, 128, 64)


@dataclass(frozen=True)
class ReferencePlan:
    """Plan for encoding a reference.

    Attributes:
        band: Rows encoded at a time.
        kept: Bytes of the encoded maps.
        peak: Predicted peak memory of the process, in bytes.
    """

    band: int
    kept: int
    peak: int


def plan_reference(
    size: tuple[int, int],
    views: Sequence[tuple[int, int]],
    making: int,
    appetite: Appetite,
    context: int,
    room: Room,
    mapped: bool = False,
) -> ReferencePlan:
    """Choose the number of rows of a reference to encode at a time.

    Args:
        size: Height and width of the reference.
        views: Height and width of each of its views.
        making: Bytes needed to compute a view.
        appetite: Requirements of the model.
        context: Rows of context above and below a band.
        room: Available memory.
        mapped: Whether the encoded maps are memory-mapped.

    Raises:
        MemoryBudgetError: Not even the smallest band fits.
    """
    kept = sum(height * width for height, width in views) * appetite.encoded
    lasting = room.held + CODE + making + (0 if mapped else kept)

    def encoding(rows: int) -> int:
        seen = max(min(rows + 2 * context, height) * width for height, width in views)
        return appetite.encode.bytes(seen) + (seen * appetite.encoded if mapped else 0)

    rows = next((r for r in _BANDS if room.fits(lasting, encoding(r))), None)
    if rows is None:
        least = lasting + encoding(_BANDS[-1])
        raise MemoryBudgetError(
            f"Encoding a reference of {size[1]} x {size[0]} needs {format_memory(least)}, of which "
            f"{format_memory(kept)} are held while it is in use. {room.allowed(least)} Allow more memory, or give "
            "fewer or smaller references."
        )
    return ReferencePlan(rows, kept, lasting + encoding(rows))
