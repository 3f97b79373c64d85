"""Memory requirements of a model, provided by an architecture and used for planning."""

from collections.abc import Callable
from dataclasses import dataclass

_LARGEST_IN_HEAP = 32 * 2**20
_HOLES, _FEWER_HOLES = 1.6, 1.2


@dataclass(frozen=True)
class Work:
    """Transient memory of a step of a model, in bytes.

    Attributes:
        position: Per position, all maps alive at the peak.
        widest: Per position, the widest temporary map.
        fixed: Independent of the number of positions.
    """

    position: int
    widest: int = 0
    fixed: int = 0

    def bytes(self, positions: int) -> int:
        """Predict the memory for a number of positions, including fragmentation.

        glibc serves blocks below 32 MiB from its heap once a block of their size was freed, which fragments it: 1.1 to
        1.6 times the memory in use was measured (``benchmarks/memory.py``). Larger blocks are returned to the system
        immediately, and only narrower maps leave holes.
        """
        holes = _HOLES if positions * self.widest < _LARGEST_IN_HEAP else _FEWER_HOLES
        return self.fixed + int(positions * self.position * holes)


@dataclass(frozen=True)
class Appetite:
    """Memory that a model needs in addition to the resident memory of the process, in bytes.

    Attributes:
        encode: Encoding a band of a reference, per HR pixel, including the band and its maps.
        encoded: Kept per HR pixel of a reference.
        matched: Kept per LR pixel of the input and per candidate.
        candidates: Maximum number of candidates for a position; as many again in views aligned with the picture.
        tile: Processing a tile, per LR pixel including the halo, as a function of the number of candidates (0 without
            references).
        first: Kept after the first matching of a process: libraries, and code compiled just in time.
        described: Computing the descriptors of a whole picture to place a reference, per position.
    """

    encode: Work
    encoded: int
    matched: int
    candidates: int
    tile: Callable[[int], Work]
    first: int
    described: Work = Work(0)
