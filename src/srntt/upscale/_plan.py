"""Memory predicted before work starts, and the tile that follows from it."""

from dataclasses import dataclass

from srntt.errors import InputError, MemoryBudgetError
from srntt.match import Matcher
from srntt.upscale._memory import format_memory
from srntt.upscale._method import Appetite
from srntt.upscale._tiles import BLEND, SMALLEST

_TILES = (256, 192, 128, 96, 64, 48, SMALLEST)
_BANDS = (128, 64, 32, 16, 8)
_REFERENCE_BANDS = (1024, 512, 256, 128, 64)
_FLOAT = 4
_SAVED = 4  # bytes of an output pixel in Pillow while a file is written
_COPYING = 36  # bytes of a pixel of a reference in floating point, and of one turned or scaled copy and its making


@dataclass(frozen=True)
class Job:
    """Sizes of an upscale: LR height and width, output channels with alpha, bytes of an output sample."""

    height: int
    width: int
    channels: int
    sample: int


@dataclass(frozen=True)
class Plan:
    """How an upscale is done.

    Attributes:
        tile: side of a tile.
        band: rows that are matched, or made for matching, at once.
        peak: bytes that the process is predicted to hold at most.
        matcher: how the references are searched.
        reason: for that, for people.
        fallbacks: what was asked for and is done otherwise.
    """

    tile: int
    band: int
    peak: int
    matcher: Matcher = "exact"
    reason: str = ""
    fallbacks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Room:
    """What there is to work in.

    Attributes:
        held: bytes that the process holds already, encoded references included.
        budget: bytes that it may hold.
        device_free: bytes free on an accelerator that has memory of its own; None where work is done in the process's.
    """

    held: int
    budget: int
    device_free: int | None = None

    def fits(self, lasting: int, transient: int) -> bool:
        """True if work that takes so much of the process's memory, and so much where it is done, stays within."""
        if self.device_free is None:
            return lasting + transient <= self.budget
        return lasting <= self.budget and transient <= self.device_free


def plan_upscale(
    job: Job, appetite: Appetite, halo: int, scale: int, room: Room, tile: int | None, searching: int = 0
) -> Plan:
    """Choose the largest tile and band that keep the process within its budget.

    Args:
        job: what is to be made.
        appetite: of the model.
        halo: context of a tile, in LR pixels.
        scale: of the model.
        room: memory.
        tile: side that the user asked for, or None.
        searching: bytes that fast matching takes beside its bands; 0 for exact matching.

    Raises:
        InputError: that side is too small.
        MemoryBudgetError: not even the smallest pieces fit.
    """
    if tile is not None and tile < SMALLEST:
        raise InputError(f"A tile of {tile} is too small: give at least {SMALLEST} (LR pixels), or auto.")
    pixels = job.height * job.width
    output = pixels * scale**2 * (job.channels * job.sample + _SAVED)
    lasting = room.held + appetite.fixed + pixels * (3 * _FLOAT + appetite.matched) + output

    def canvas(side: int) -> int:
        return min(side + 2 * BLEND, job.height) * job.width * scale**2 * 3 * _FLOAT * 2

    def rendering(side: int) -> int:
        return min(side + 2 * halo, job.height) * min(side + 2 * halo, job.width) * appetite.render

    def matching(rows: int) -> int:
        return min(rows + 2 * BLEND, job.height) * job.width * appetite.match + searching

    sides = _TILES if tile is None else (tile,)
    side = next((s for s in sides if room.fits(lasting + canvas(s), rendering(s))), None)
    rows = next((r for r in _BANDS if room.fits(lasting, matching(r))), None)
    if side is None or rows is None:
        least = lasting + max(canvas(sides[-1]) + rendering(sides[-1]), matching(_BANDS[-1]))
        raise MemoryBudgetError(
            f"This needs {format_memory(least)} even in tiles of {sides[-1]}: {format_memory(lasting)} for program, "
            f"references and the output of {job.width * scale} x {job.height * scale}, the rest for one tile. "
            f"{_allowed(room)} Allow more memory, give fewer or smaller references, or a smaller picture"
            + (f"; fast matching takes {format_memory(searching)}, exact matching none of that." if searching else ".")
        )
    on_host = int(room.device_free is None)
    return Plan(side, rows, lasting + max(canvas(side) + on_host * rendering(side), on_host * matching(rows)))


def plan_reference(height: int, width: int, copies: float, appetite: Appetite, context: int, room: Room) -> Plan:
    """Choose the rows of a reference that are encoded at once; ``tile`` and ``band`` of the plan are both that.

    Args:
        height: of the reference, in pixels.
        width: likewise.
        copies: how many times its pixels are encoded; more than once for turned and scaled copies.
        appetite: of the model.
        context: rows above and below a band.
        room: memory.

    Raises:
        MemoryBudgetError: not even the smallest band fits.
    """
    kept = int(height * width * copies * appetite.encoded)
    whole = height * width * _COPYING if copies > 1 else 0
    lasting = room.held + appetite.fixed + kept + whole

    def encoding(rows: int) -> int:
        return min(rows + 2 * context, height) * width * appetite.encode

    rows = next((r for r in _REFERENCE_BANDS if room.fits(lasting, encoding(r))), None)
    if rows is None:
        least = lasting + encoding(_REFERENCE_BANDS[-1])
        raise MemoryBudgetError(
            f"Encoding a reference of {width} x {height} needs {format_memory(least)}, of which {format_memory(kept)} "
            f"stay for as long as it is used. {_allowed(room)} Allow more memory, or give fewer or smaller references."
        )
    return Plan(rows, rows, lasting + encoding(rows))


def _allowed(room: Room) -> str:
    device = "" if room.device_free is None else f" and {format_memory(room.device_free)} on the device"
    return f"Allowed are {format_memory(room.budget)}{device}."
