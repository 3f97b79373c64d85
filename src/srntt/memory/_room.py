"""The memory that there is to work in."""

import math
from dataclasses import dataclass, replace

from srntt.errors import MemoryBudgetError
from srntt.image import Limits
from srntt.memory._process import format_memory, resident_bytes

_RESERVE = 0.06  # of the budget: 24 megapixels from four references of 12 took 4 % more than predicted

_ALONE, _REFERRED = 50_000_000, 150_000_000  # of a picture of 64 x 64: what it takes, and with a reference of 256 x 256


def limits_within(limits: Limits, memory: int | None) -> Limits:
    """Limits under which decoding keeps the process within its memory, if the user named any.

    Raises:
        MemoryBudgetError: the process holds more already.
    """
    if memory is None:
        return limits
    held = resident_bytes()
    if held >= memory:
        alone, referred = (format_memory(_enough(held + work)) for work in (_ALONE, _REFERRED))
        raise MemoryBudgetError(
            f"{format_memory(memory)} of memory are allowed, and the program alone takes {format_memory(held)}. Allow "
            f"{alone} or more, with references {referred} or more; large pictures need more than that."
        )
    return replace(limits, max_memory=memory - held)


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

    def allowed(self, least: int) -> str:
        """What there is, in words, and the budget in which the least that the process would hold fits."""
        reserve = f"{_RESERVE:.0%} of it kept in reserve"
        if self.device_free is not None:
            return (
                f"Allowed are {format_memory(self.budget)}, {reserve}, and {format_memory(self.device_free)} on the "
                "device."
            )
        return f"Allowed are {format_memory(self.budget)}, {reserve}; {format_memory(_enough(least))} would do."


def _enough(least: int) -> int:
    """The budget in which so many bytes fit, rounded up to ten million."""
    return math.ceil(least / (1 - _RESERVE) / 10**7) * 10**7
