"""Memory planning: available and resident memory, predicted memory of each stage, and tile sizes that fit."""

from srntt._system import give_back, peak_bytes
from srntt.memory._appetite import Appetite, Work
from srntt.memory._mapped import MappedFile
from srntt.memory._needs import BLEND, SMALLEST, Extra, Job, Needs, cuts
from srntt.memory._plan import Pieces, plan_pieces, plan_reference
from srntt.memory._process import (
    budget_bytes,
    device_free_bytes,
    format_memory,
    parse_memory,
    release,
    resident_bytes,
    start_peak,
)
from srntt.memory._room import Room, limits_within
