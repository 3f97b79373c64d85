"""Memory predicted before work starts, and the tile that follows from it."""

from dataclasses import dataclass

from srntt.errors import InputError, MemoryBudgetError
from srntt.upscale._memory import format_memory
from srntt.upscale._method import Appetite
from srntt.upscale._tiles import BLEND, SMALLEST

_TILES = (256, 192, 128, 96, 64, 48, SMALLEST)
_BANDS = (128, 64, 32, 16, 8)
_REFERENCE_BANDS = (1024, 512, 256, 128, 64)
_FLOAT = 4
_SAVED = 4  # bytes of an output pixel in Pillow while a file is written


@dataclass(frozen=True)
class Job:
    """Sizes of an upscale: LR height and width, output channels with alpha, bytes of an output sample."""

    height: int
    width: int
    channels: int
    sample: int


@dataclass(frozen=True)
class Plan:
    """How an upscale is cut: side of a tile, rows of a matching band, and the process's predicted peak in bytes."""

    tile: int
    band: int
    peak: int


def plan_upscale(job: Job, appetite: Appetite, halo: int, scale: int, held: int, budget: int, tile: int | None) -> Plan:
    """Choose the largest tile and band that keep the process within its budget.

    Args:
        job: what is to be made.
        appetite: of the model.
        halo: context of a tile, in LR pixels.
        scale: of the model.
        held: bytes that the process holds already, references included.
        budget: bytes that it may hold.
        tile: side that the user asked for, or None.

    Raises:
        InputError: that side is too small.
        MemoryBudgetError: not even the smallest pieces fit.
    """
    if tile is not None and tile < SMALLEST:
        raise InputError(f"A tile of {tile} is too small: give at least {SMALLEST} (LR pixels), or auto.")
    pixels = job.height * job.width
    output = pixels * scale**2 * (job.channels * job.sample + _SAVED)
    lasting = held + appetite.fixed + pixels * (3 * _FLOAT + appetite.matched) + output

    def rendering(side: int) -> int:
        seen = min(side + 2 * halo, job.height) * min(side + 2 * halo, job.width)
        canvas = min(side + 2 * BLEND, job.height) * job.width * scale**2 * 3 * _FLOAT * 2
        return seen * appetite.render + canvas

    def matching(rows: int) -> int:
        return min(rows + 2 * BLEND, job.height) * job.width * appetite.match

    sides = _TILES if tile is None else (tile,)
    side = next((s for s in sides if lasting + rendering(s) <= budget), None)
    rows = next((r for r in _BANDS if lasting + matching(r) <= budget), None)
    if side is None or rows is None:
        least = lasting + max(rendering(sides[-1]), matching(_BANDS[-1]))
        raise MemoryBudgetError(
            f"This needs {format_memory(least)} even in tiles of {sides[-1]}: {format_memory(lasting)} for program, "
            f"references and the output of {job.width * scale} x {job.height * scale}, the rest for one tile. "
            f"Allowed are {format_memory(budget)}. "
            "Allow more memory, give fewer or smaller references, or a smaller picture."
        )
    return Plan(side, rows, lasting + max(rendering(side), matching(rows)))


def plan_reference(height: int, width: int, appetite: Appetite, context: int, held: int, budget: int) -> Plan:
    """Choose the rows of a reference that are encoded at once; ``tile`` and ``band`` of the plan are both that.

    Raises:
        MemoryBudgetError: not even the smallest band fits.
    """
    lasting = held + appetite.fixed + height * width * appetite.encoded

    def encoding(rows: int) -> int:
        return min(rows + 2 * context, height) * width * appetite.encode

    rows = next((r for r in _REFERENCE_BANDS if lasting + encoding(r) <= budget), None)
    if rows is None:
        least = lasting + encoding(_REFERENCE_BANDS[-1])
        raise MemoryBudgetError(
            f"Encoding a reference of {width} x {height} needs {format_memory(least)}, of which "
            f"{format_memory(height * width * appetite.encoded)} stay for as long as it is used; allowed are "
            f"{format_memory(budget)}. Allow more memory, or give fewer or smaller references."
        )
    return Plan(rows, rows, lasting + encoding(rows))
