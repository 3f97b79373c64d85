"""Memory available for a task."""

import math
from dataclasses import dataclass

from srntt.memory._process import format_memory

_RESERVE = 0.06  # of the budget: 24 megapixels from four references of 12 took 4 % more than predicted


@dataclass(frozen=True)
class Room:
    """Memory available for a task.

    Attributes:
        held: Resident memory of the process, including encoded references, in bytes.
        budget: Memory that the process may use, in bytes.
        device_free: Free memory of the accelerator in bytes; None for devices that share the memory of the process.
    """

    held: int
    budget: int
    device_free: int | None = None

    def fits(self, lasting: int, transient: int) -> bool:
        """Return whether work fits that needs `lasting` bytes in the process and `transient` bytes on the device."""
        usable = (1 - _RESERVE) * self.budget
        if self.device_free is None:
            return lasting + transient <= usable
        return lasting <= usable and transient <= self.device_free

    def allowed(self, least: int) -> str:
        """Describe the available memory, and the budget that would suffice for a peak of `least` bytes."""
        reserve = f"{_RESERVE:.0%} of it kept in reserve"
        if self.device_free is not None:
            return (
                f"The budget is {format_memory(self.budget)}, {reserve}, and {format_memory(self.device_free)} are "
                "free on the device."
            )
        enough = math.ceil(least / (1 - _RESERVE) / 10**7) * 10**7
        return f"The budget is {format_memory(self.budget)}, {reserve}; {format_memory(enough)} would suffice."
