"""Fast matching of a query strip by strip: the same matches, with the memory of a few strips.

A sweep of propagation reads only the outermost rows of neighbouring bands, as they were before the sweep. A strip can
therefore be swept once the strip below it has completed the previous stage. Search and sweeps form a pipeline, of which
each stage holds two strips.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from srntt._shapes import Float, Int64
from srntt.match._fast import BAND, SWEEPS, as_match, best_of, sweep
from srntt.match._match import Match
from srntt.match._patch_rows import SKETCH, PatchRows, is_sketched, padded, patch_rows
from srntt.match._problem import Problem, Sizes, make_problem
from srntt.match._threads import Threads
from srntt.match._tree import KeyTree, build_tree, search_bytes, search_tree, tree_bytes

STRIP = BAND
"""Strips have a multiple of this many rows, except for the last one."""

_HELD = 5  # maximum number of strips: two before each sweep, and the incoming one


@dataclass(frozen=True, eq=False)
class _Strip:
    """Strip of query rows in the pipeline, with its matches so far."""

    problem: Problem
    rows: PatchRows
    matches: Int64[np.ndarray, " n"]
    cosines: Float[np.ndarray, " n"]

    def row(self, number: int) -> Int64[np.ndarray, " w"]:
        """Return a copy of the current matches of a row."""
        return self.matches.reshape(self.rows.height, self.rows.width)[number].copy()


@dataclass(frozen=True, eq=False)
class _Keys:
    """Key map with its search tree."""

    features: Tensor
    rows: PatchRows
    tree: KeyTree
    pool: Threads


def fast_match_strips(
    strips: Iterable[Float[Tensor, "c _ w"]],
    key: Float[Tensor, "c hr wr"],
    *,
    threads: int | None = None,
    seed: int = 0,
) -> Iterator[Match]:
    """Match a query strip by strip, with the same result as ``fast_match(query, [key], patch=1)``.

    Args:
        strips: Strips of query rows from the top, float32, on the CPU; all but the last have a multiple of `STRIP`
            rows.
        key: Feature map of the reference, at most 64 channels.
        threads: Number of threads; by default `torch.get_num_threads()`.
        seed: Seed of the random choices of the tree.

    Yields:
        The match of each strip, in order, delayed by two strips.

    Raises:
        InputError: Features that are incompatible or not finite.
    """
    assert not is_sketched(key.shape[0], 1), f"strips are limited to {SKETCH} channels"
    threads = torch.get_num_threads() if threads is None else threads
    with Threads(threads) as pool:
        rows = patch_rows(make_problem(key[:, :1, :1], [key], 1, "replicate"), 0)
        keys = _Keys(key, rows, build_tree(rows.pixels, seed, pool), pool)
        found = _found(strips, keys)
        for number in range(SWEEPS):
            found = _swept(found, keys, number)
        for strip in found:
            yield as_match(strip.problem, strip.rows, strip.matches, strip.cosines)


def strips_bytes(sizes: Sizes, threads: int) -> int:
    """Return an upper bound of the transient memory of `fast_match_strips`, without strips of ``sizes.queries``."""
    width, largest = padded(sizes.channels), max(sizes.keys)
    held = (_HELD * sizes.queries + largest) * (width * 4 + 48)
    return held + tree_bytes(largest, width) + search_bytes(threads, 1)


def _found(strips: Iterable[Tensor], keys: _Keys) -> Iterator[_Strip]:
    """Yield the strips with the matches that the tree finds."""
    for query in strips:
        problem = make_problem(query, [keys.features], 1, "replicate")
        rows = patch_rows(problem, None)
        candidates = search_tree(keys.tree, rows.pixels, 1, keys.pool)
        yield _Strip(problem, rows, *best_of(rows, keys.rows, candidates, keys.pool))


def _swept(strips: Iterator[_Strip], keys: _Keys, number: int) -> Iterator[_Strip]:
    """Yield the strips after one more sweep, which reads the adjacent rows of neighbouring strips before it."""
    above, strip = None, next(strips, None)
    while strip is not None:
        below = next(strips, None)
        last = strip.row(-1)
        beyond = (above, None if below is None else below.row(0))
        sweep(strip.rows, keys.rows, number, strip.matches, strip.cosines, beyond, keys.pool)
        yield strip
        above, strip = last, below
