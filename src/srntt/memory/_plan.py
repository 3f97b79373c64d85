"""Tile and band sizes that keep an upscale, and the encoding of a reference, within the memory budget."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from srntt.errors import InputError, MemoryBudgetError
from srntt.memory._appetite import Appetite
from srntt.memory._needs import CODE, SMALLEST, Needs
from srntt.memory._process import format_memory
from srntt.memory._room import Room

_TILES = (256, 192, 128, 96, 64, 48, SMALLEST)
_BANDS = (128, 64, 32, 16, 8)
_REFERENCE_BANDS = (1024, 512, 256, 128, 64)


@dataclass(frozen=True)
class Pieces:
    """Division of an upscale.

    Attributes:
        tile: Side of a tile, in LR pixels.
        band: Rows matched, or prepared for matching, at a time.
        peak: Predicted peak memory of the process, in bytes.
    """

    tile: int
    band: int
    peak: int


def plan_pieces(needs: Needs, room: Room, tile: int | None, matching: Callable[[int], int] | None = None) -> Pieces:
    """Choose the largest tile and band that keep the process within its budget.

    ``tile`` is the side requested by the user, or None; ``matching`` gives the bytes to match a band of so many rows,
    and is None without references.

    Raises:
        InputError: The requested tile is too small.
        MemoryBudgetError: Not even the smallest tile and band fit.
    """
    if tile is not None and tile < SMALLEST:
        raise InputError(f"A tile of {tile} is too small: give at least {SMALLEST} (LR pixels), or auto.")
    held = room.held + needs.picture

    def stages(side: int, rows: int) -> list[tuple[int, int]]:
        """Return (lasting, transient) bytes of each stage: in the process, and on the device of the model."""
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
            f"Upscaling needs {format_memory(least)} even in tiles of {sides[-1]} LR pixels: "
            f"{format_memory(held + needs.output)} for the program, the references and the output of "
            f"{needs.job.width * needs.scale} x {needs.job.height * needs.scale}, "
            f"{format_memory(least - held - needs.output)} for the matches and one tile. "
            f"{room.allowed(least)} Allow more memory, give fewer or smaller references, or a smaller picture."
        )
    on_host = int(room.device_free is None)
    return Pieces(side, rows, max(host + on_host * there for host, there in stages(side, rows)))


@dataclass(frozen=True)
class ReferencePlan:
    """Encoding of a reference: rows at a time, bytes of the encoded maps, and predicted peak bytes of the process."""

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

    ``size`` and ``views`` are height and width of the reference and its views, ``making`` the bytes to compute one,
    ``context`` the rows above and below a band, ``mapped`` whether the encoded maps are memory-mapped.

    Raises:
        MemoryBudgetError: Not even the smallest band fits.
    """
    kept = sum(height * width for height, width in views) * appetite.encoded
    lasting = room.held + CODE + making + (0 if mapped else kept)

    def encoding(rows: int) -> int:
        seen = max(min(rows + 2 * context, height) * width for height, width in views)
        return appetite.encode.bytes(seen) + (seen * appetite.encoded if mapped else 0)

    rows = next((r for r in _REFERENCE_BANDS if room.fits(lasting, encoding(r))), None)
    if rows is None:
        least = lasting + encoding(_REFERENCE_BANDS[-1])
        raise MemoryBudgetError(
            f"Encoding a reference of {size[1]} x {size[0]} needs {format_memory(least)}, of which "
            f"{format_memory(kept)} are held while it is in use. {room.allowed(least)} Allow more memory, or give "
            "fewer or smaller references."
        )
    return ReferencePlan(rows, kept, lasting + encoding(rows))
