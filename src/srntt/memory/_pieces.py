"""Division of work into pieces of nearly equal size."""

from itertools import pairwise

BLEND = 8
"""Overlap of neighbouring tiles in LR pixels, the same for all tile sizes, so that tiles of any sizes can be joined."""

SMALLEST = 32
"""Side of the smallest tile in LR pixels: every piece is then at least as wide as two blending ramps."""


def cuts(extent: int, piece: int, first: int = 0) -> list[tuple[int, int]]:
    """Divide ``first..extent`` into pieces of at most ``piece`` and, if more than one, at least half of it."""
    count = -(-(extent - first) // piece)
    edges = [first + (extent - first) * i // count for i in range(count + 1)]
    return list(pairwise(edges))
