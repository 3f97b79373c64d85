"""Work in pieces of nearly equal size."""

from itertools import pairwise


def cuts(extent: int, piece: int, first: int = 0) -> list[tuple[int, int]]:
    """Cut ``first..extent`` into pieces of at most ``piece`` and, but for one alone, at least half of it."""
    count = -(-(extent - first) // piece)
    edges = [first + (extent - first) * i // count for i in range(count + 1)]
    return list(pairwise(edges))
