"""Every fault."""

from faults import disks, kills, memory, others, surroundings
from faults.fault import Fault

FAULTS: tuple[Fault, ...] = (
    *kills.faults(),
    *disks.faults(),
    *memory.faults(),
    *others.faults(),
    *surroundings.faults(),
)
