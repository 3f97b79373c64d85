"""What memory there is, what the process holds, and pieces that fit."""

from srntt.memory._mapped import MappedFile
from srntt.memory._pieces import cuts
from srntt.memory._process import (
    budget_bytes,
    device_free_bytes,
    format_memory,
    give_back,
    limits_within,
    parse_memory,
    peak_bytes,
    release,
    resident_bytes,
    start_peak,
)

__all__ = [
    "MappedFile",
    "budget_bytes",
    "cuts",
    "device_free_bytes",
    "format_memory",
    "give_back",
    "limits_within",
    "parse_memory",
    "peak_bytes",
    "release",
    "resident_bytes",
    "start_peak",
]
