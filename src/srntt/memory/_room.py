"""Memory available for a task."""

import math
from dataclasses import dataclass, replace

from srntt.errors import MemoryBudgetError
from srntt.image import Limits, check_limits
from srntt.memory._process import format_memory, resident_bytes

_RESERVE = 0.06  # of the budget: 24 megapixels from four references of 12 took 4% more than predicted

_ALONE, _REFERRED = 50_000_000, 150_000_000  # bytes for a picture of 64 x 64, without and with a reference of 256 x 256


def limits_within(limits: Limits, memory: int | None) -> Limits:
    """Tighten the limits so that decoding keeps the process within `memory`; unchanged if None.

    Raises:
        InputError: These are no limits.
        MemoryBudgetError: The process uses more already.
    """
    check_limits(limits)
    if memory is None:
        return limits
    held = resident_bytes()
    if held >= memory:
        alone, referred = (format_memory(_enough(held + work)) for work in (_ALONE, _REFERRED))
        raise MemoryBudgetError(
            f"The budget is {format_memory(memory)}, but the program alone uses {format_memory(held)}. Allow at least "
            f"{alone}, or {referred} with one small reference; larger pictures and more references "
            "need more."
        )
    return replace(limits, max_memory=memory - held)


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
        return f"The budget is {format_memory(self.budget)}, {reserve}; {format_memory(_enough(least))} would suffice."


def _enough(least: int) -> int:
    """Return the budget that suffices for a peak of `least` bytes, rounded up to ten million."""
    return math.ceil(least / (1 - _RESERVE) / 10**7) * 10**7
