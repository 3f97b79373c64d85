"""Every fault."""

from faults import disks, kills, memory, others
from faults.fault import Fault

FAULTS: tuple[Fault, ...] = (*kills.faults(), *disks.faults(), *memory.faults(), *others.faults())
