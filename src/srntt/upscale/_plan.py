"""Memory predicted before work starts, and the tile that follows from it."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from srntt.errors import InputError, MemoryBudgetError
from srntt.memory import format_memory
from srntt.models import Appetite
from srntt.upscale._consistent import consistency_bytes
from srntt.upscale._tiles import BLEND, SMALLEST, spans

_TILES = (256, 192, 128, 96, 64, 48, SMALLEST)
_BANDS = (128, 64, 32, 16, 8)
_REFERENCE_BANDS = (1024, 512, 256, 128, 64)
_RESERVE = 0.06  # of the budget: 24 megapixels from four references of 12 took 4 % more than predicted
_FLOAT = 4
_SAVED = 4  # bytes of an output pixel in Pillow while a file is written
_PNG, _PNG_BAND = 25, 2**22  # bytes of the PNG writer for each of a band, and of a band at most
_CODE = 25_000_000  # bytes of code that torch loads, and makes for the machine, at its first convolutions
_TOLD = 28  # bytes of an LR position in similarity and provenance


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
    matcher: str = "exact"
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
        usable = (1 - _RESERVE) * self.budget
        if self.device_free is None:
            return lasting + transient <= usable
        return lasting <= usable and transient <= self.device_free


@dataclass(frozen=True)
class Needs:
    """Bytes that the stages of an upscale take beside what the process holds, those of matching for a band.

    Attributes:
        job: what is to be made.
        appetite: of the model.
        halo: context of a tile, in LR pixels.
        scale: of the model.
        candidates: of a position; 0 without references.
        searched: bytes of the largest map that is matched in and lies in a file, of which it comes into memory.
        sampled: bytes of the maps that textures come from and that lie in files.
    """

    job: Job
    appetite: Appetite
    halo: int
    scale: int
    candidates: int
    searched: int = 0
    sampled: int = 0

    @property
    def pixels(self) -> int:
        """Of the input."""
        return self.job.height * self.job.width

    @property
    def picture(self) -> int:
        """The input in floating point, and what its first work leaves behind."""
        return self.pixels * 3 * _FLOAT + _CODE + (self.appetite.first if self.candidates else 0)

    @property
    def field(self) -> int:
        """The matches, on the model's device."""
        return self.pixels * self.candidates * self.appetite.matched

    @property
    def output(self) -> int:
        """The output and the shares of the candidates."""
        output = self.pixels * self.scale**2 * self.job.channels * self.job.sample
        return output + self.pixels * self.candidates * _FLOAT

    @property
    def told(self) -> int:
        """Similarity and provenance, in the result."""
        return self.pixels * _TOLD if self.candidates else 0

    @property
    def checking(self) -> int:
        """What comparing the output with the input takes, and making it consistent."""
        return consistency_bytes(self.job.height, self.job.width, self.job.channels, self.scale)

    @property
    def saving(self) -> int:
        """What writing a file takes: Pillow's copy, or a band of PNG and its filters."""
        samples = self.pixels * self.scale**2 * self.job.channels * self.job.sample
        return max(self.pixels * self.scale**2 * _SAVED, min(samples, _PNG_BAND) * _PNG)

    def canvas(self, side: int) -> int:
        """A row of tiles in floating point, and the rows of it that the next one blends with."""
        rows = min(side + 4 * BLEND, self.job.height)
        return rows * self.job.width * self.scale**2 * 3 * _FLOAT

    def tile(self, side: int) -> int:
        """A tile while the network sees it."""
        appetite = self.appetite
        each = appetite.render + appetite.another * (self.candidates - 1) if self.candidates else appetite.alone
        height, width = (
            max(span.outer_stop - span.outer_start for span in spans(extent, side, self.halo))
            for extent in (self.job.height, self.job.width)
        )
        return height * width * each


def plan_upscale(needs: Needs, room: Room, tile: int | None, matching: Callable[[int], int] | None = None) -> Plan:
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
            (held + needs.sampled + needs.output + needs.told, needs.field),
            (held + needs.output + needs.told + max(needs.checking, needs.saving), 0),
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
            f"{_allowed(room, least)} Allow more memory, give fewer or smaller references, or a smaller picture."
        )
    on_host = int(room.device_free is None)
    return Plan(side, rows, max(host + on_host * there for host, there in stages(side, rows)))


@dataclass(frozen=True)
class ReferencePlan:
    """Rows of a reference that are encoded at once, bytes of its maps, and those that the process holds at most."""

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
    """Choose the rows of a reference that are encoded at once.

    Args:
        size: height and width of the reference.
        views: likewise of each of its views.
        making: bytes that making a view holds.
        appetite: of the model.
        context: rows above and below a band.
        room: memory.
        mapped: its maps will lie in a file.

    Raises:
        MemoryBudgetError: not even the smallest band fits.
    """
    kept = sum(height * width for height, width in views) * appetite.encoded
    lasting = room.held + _CODE + making + (0 if mapped else kept)

    def encoding(rows: int) -> int:
        seen = max(min(rows + 2 * context, height) * width for height, width in views)
        return seen * (appetite.encode + (appetite.encoded if mapped else 0))

    rows = next((r for r in _REFERENCE_BANDS if room.fits(lasting, encoding(r))), None)
    if rows is None:
        least = lasting + encoding(_REFERENCE_BANDS[-1])
        raise MemoryBudgetError(
            f"Encoding a reference of {size[1]} x {size[0]} needs {format_memory(least)}, of which "
            f"{format_memory(kept)} stay for as long as it is used. {_allowed(room, least)} Allow more memory, or give "
            "fewer or smaller references."
        )
    return ReferencePlan(rows, kept, lasting + encoding(rows))


def _allowed(room: Room, least: int) -> str:
    """What there is, and the budget in which the least that the process would hold fits."""
    reserve = f"{_RESERVE:.0%} of it kept in reserve"
    if room.device_free is not None:
        return (
            f"Allowed are {format_memory(room.budget)}, {reserve}, and {format_memory(room.device_free)} on the device."
        )
    enough = math.ceil(least / (1 - _RESERVE) / 10**7) * 10**7
    return f"Allowed are {format_memory(room.budget)}, {reserve}; {format_memory(enough)} would do."
