"""What a model takes of memory, in numbers: where the formulas of an architecture and the planning meet."""

from collections.abc import Callable
from dataclasses import dataclass

_LARGEST_IN_HEAP = 32 * 2**20
_HOLES, _FEWER_HOLES = 1.6, 1.2


@dataclass(frozen=True)
class Work:
    """Memory that a step of a model takes while it works, in bytes.

    Attributes:
        position: for each position, all maps that are there at the worst moment.
        widest: for each position, the widest of the maps that come and go.
        fixed: whatever the number of positions.
    """

    position: int
    widest: int = 0
    fixed: int = 0

    def bytes(self, positions: int) -> int:
        """What so many positions take.

        glibc takes blocks below 32 MiB out of its heap once one of their size was freed, and holes remain between them:
        1.1 to 1.6 times what is in use was measured (``benchmarks/memory.py``). Larger blocks go back at once, and what
        remains are the holes that narrower maps leave.
        """
        holes = _HOLES if positions * self.widest < _LARGEST_IN_HEAP else _FEWER_HOLES
        return self.fixed + int(positions * self.position * holes)


@dataclass(frozen=True)
class Appetite:
    """Memory that a model takes, in bytes, beyond what the process holds.

    Attributes:
        encode: for each HR pixel of a reference band, the band and its maps included.
        encoded: lasting, for each HR pixel of a reference.
        matched: lasting, for each LR pixel of the input and each candidate.
        candidates: most that a position has.
        tile: for the LR pixels of a tile with its halo, given how many candidates each has; 0 without references.
        described: for each position of a picture that is described on its own, to place a reference.
        first: what the first matching of a process takes for good: code that is loaded and made for the machine.
    """

    encode: Work
    encoded: int
    matched: int
    candidates: int
    tile: Callable[[int], Work]
    first: int
    described: Work = Work(0)
