"""The largest pieces of an upscale that keep the process within its budget."""

from collections.abc import Callable
from dataclasses import dataclass

from srntt.errors import InputError, MemoryBudgetError
from srntt.memory._needs import Needs
from srntt.memory._pieces import SMALLEST
from srntt.memory._process import format_memory
from srntt.memory._room import Room

_TILES = (256, 192, 128, 96, 64, 48, SMALLEST)
_BANDS = (128, 64, 32, 16, 8)


@dataclass(frozen=True)
class Pieces:
    """How an upscale is cut.

    Attributes:
        tile: side of a tile.
        band: rows that are matched, or made for matching, at once.
        peak: bytes that the process is predicted to hold at most.
    """

    tile: int
    band: int
    peak: int


def plan_pieces(needs: Needs, room: Room, tile: int | None, matching: Callable[[int], int] | None = None) -> Pieces:
    """Choose the largest tile and band that keep the process within its budget.

    Args:
        needs: of the upscale.
        room: memory.
        tile: side that the user asked for, or None.
        matching: bytes that matching takes in bands of so many rows; None without references.

    Raises:
        InputError: that side is too small.
        MemoryBudgetError: not even the smallest pieces fit.
    """
    if tile is not None and tile < SMALLEST:
        raise InputError(f"A tile of {tile} is too small: give at least {SMALLEST} (LR pixels), or auto.")
    held = room.held + needs.picture

    def stages(side: int, rows: int) -> list[tuple[int, int]]:
        """In the process's memory, and where the model is."""
        return [
            (held + needs.searched, needs.field + (matching(rows) if matching else 0)),
            (held + needs.sampled + needs.output + needs.canvas(side), needs.field + needs.tile(side)),
            (held + needs.sampled + needs.output + needs.provenance, needs.field),
            (held + needs.output + needs.provenance + max(needs.checking, needs.saving), 0),
        ]

    sides = _TILES if tile is None else (tile,)
    chosen = [
        next((piece for piece in pieces if all(room.fits(*stage) for stage in stages(*with_(piece)))), None)
        for pieces, with_ in ((sides, lambda side: (side, _BANDS[-1])), (_BANDS, lambda rows: (sides[-1], rows)))
    ]
    side, rows = chosen
    if side is None or rows is None:
        least = max(map(sum, stages(sides[-1], _BANDS[-1])))
        raise MemoryBudgetError(
            f"This needs {format_memory(least)} even in tiles of {sides[-1]}: "
            f"{format_memory(held + needs.output)} for program, references and the output of "
            f"{needs.job.width * needs.scale} x {needs.job.height * needs.scale}, "
            f"{format_memory(least - held - needs.output)} for the matches and one tile. "
            f"{room.allowed(least)} Allow more memory, give fewer or smaller references, or a smaller picture."
        )
    on_host = int(room.device_free is None)
    return Pieces(side, rows, max(host + on_host * there for host, there in stages(side, rows)))
