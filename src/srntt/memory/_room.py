"""The memory that there is to work in."""

import math
from dataclasses import dataclass

from srntt.memory._process import format_memory

_RESERVE = 0.06  # of the budget: 24 megapixels from four references of 12 took 4 % more than predicted


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
        enough = math.ceil(least / (1 - _RESERVE) / 10**7) * 10**7
        return f"Allowed are {format_memory(self.budget)}, {reserve}; {format_memory(enough)} would do."
