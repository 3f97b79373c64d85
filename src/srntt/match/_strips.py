"""Fast matching of a tall query a strip of rows at a time: the same matches, with the memory of a few strips.

A sweep of propagation sees nothing of other bands but their outermost rows, as they were before it. So a strip can be
swept as soon as the strip below it has been, one sweep less; the strips pass through search and sweeps as through a
pipeline, and each stage holds two of them.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from srntt._shapes import Float, Int64
from srntt.match._dense import matched_at
from srntt.match._fast import BAND, SWEEPS, best_of, sweep
from srntt.match._match import Match
from srntt.match._patch_rows import SKETCH, PatchRows, is_sketched, padded, patch_rows
from srntt.match._problem import Problem, make_problem
from srntt.match._tree import KeyTree, build_tree, search_bytes, search_tree, tree_bytes

STRIP = BAND
"""Strips have this many rows or a multiple, but for the last."""

_HELD = 5  # strips at most: two before each sweep, and the one that comes in


@dataclass(frozen=True, eq=False)
class _Strip:
    """Rows of the query on their way, and what has been found for them so far."""

    problem: Problem
    rows: PatchRows
    matches: Int64[np.ndarray, " n"]
    cosines: Float[np.ndarray, " n"]

    def row(self, number: int) -> Int64[np.ndarray, " w"]:
        """Matches of a row as they are now."""
        return self.matches.reshape(self.rows.height, self.rows.width)[number].copy()


@dataclass(frozen=True, eq=False)
class _Keys:
    """A key map, ready to be searched."""

    features: Tensor
    rows: PatchRows
    tree: KeyTree
    pool: ThreadPoolExecutor


def fast_match_strips(
    strips: Iterable[Float[Tensor, "c _ w"]],
    key: Float[Tensor, "c hr wr"],
    *,
    threads: int | None = None,
    seed: int = 0,
) -> Iterator[Match]:
    """Match a query that comes in strips, as ``fast_match(query, [key], patch=1)`` matches the whole.

    Args:
        strips: of the query's rows, from the top, float32, on the CPU; all but the last have a multiple of `STRIP`
            rows.
        key: of the reference; at most 64 channels.
        threads: Threads; by default torch's number.
        seed: Of the tree's random choices.

    Yields:
        The matches of each strip, in order; a strip is asked for two strips after it was taken.

    Raises:
        InputError: Features that do not fit or are not finite.
    """
    assert not is_sketched(key.shape[0], 1), f"at most {SKETCH} channels are searched as they are"
    threads = torch.get_num_threads() if threads is None else threads
    with ThreadPoolExecutor(threads) as pool:
        rows = patch_rows(make_problem(key[:, :1, :1], [key], 1, "replicate"), 0)
        keys = _Keys(key, rows, build_tree(rows.pixels, seed, pool, threads), pool)
        found = _found(strips, keys)
        for number in range(SWEEPS):
            found = _swept(found, keys, number)
        for strip in found:
            yield _as_match(strip)


def strips_bytes(strip_positions: int, key_positions: Iterable[int], channels: int, threads: int) -> int:
    """Transient memory that `fast_match_strips` takes at most, beside the strips that it is given."""
    row, largest = padded(channels) * 4 + 48, max(key_positions)
    held = (_HELD * strip_positions + largest) * row
    return held + tree_bytes(largest, padded(channels)) + search_bytes(threads, 1)


def _found(strips: Iterable[Tensor], keys: _Keys) -> Iterator[_Strip]:
    """Strips with what the tree finds for them."""
    for query in strips:
        problem = make_problem(query, [keys.features], 1, "replicate")
        rows = patch_rows(problem, None)
        candidates = search_tree(keys.tree, rows.pixels, 1, keys.pool)
        yield _Strip(problem, rows, *best_of(rows, keys.rows, candidates, keys.pool))


def _swept(strips: Iterator[_Strip], keys: _Keys, number: int) -> Iterator[_Strip]:
    """Strips after one more sweep: each sees its neighbours' nearest rows as they come in."""
    above, strip = None, next(strips, None)
    while strip is not None:
        below = next(strips, None)
        last = strip.row(-1)
        beyond = (above, None if below is None else below.row(0))
        sweep(strip.rows, keys.rows, number, strip.matches, strip.cosines, beyond, keys.pool)
        yield strip
        above, strip = last, below


def _as_match(strip: _Strip) -> Match:
    """What the descriptors that are empty match is the first key, with similarity 0."""
    empty = strip.rows.inverse_norm == 0
    strip.matches[empty], strip.cosines[empty] = strip.problem.first_key, 0.0
    shape = (strip.rows.height, strip.rows.width)
    return matched_at(strip.problem, strip.matches.reshape(shape), strip.cosines.clip(-1, 1).reshape(shape))
