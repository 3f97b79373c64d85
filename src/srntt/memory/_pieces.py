"""Work in pieces of nearly equal size."""

from itertools import pairwise

BLEND = 8
"""LR pixels that a tile reaches over into its neighbour; the same for all sizes, so that rows of any two can meet."""

SMALLEST = 32
"""LR pixels of the smallest tile: every part is then at least as wide as two ramps."""


def cuts(extent: int, piece: int, first: int = 0) -> list[tuple[int, int]]:
    """Cut ``first..extent`` into pieces of at most ``piece`` and, but for one alone, at least half of it."""
    count = -(-(extent - first) // piece)
    edges = [first + (extent - first) * i // count for i in range(count + 1)]
    return list(pairwise(edges))
