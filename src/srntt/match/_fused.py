"""CPU engine: pixel products, diagonal sums, norm and running maximum in one pass over tiles that fit the cache.

Identity (a): the correlation of two 3x3 patches is the sum of the products of their pixels along nine diagonal taps, so
each product of two pixels is computed once instead of nine times. The diagonals of a tile are divided among the
threads. Each thread keeps its own candidates; a score does not depend on the thread or tile in which it is computed.
"""

import math
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from queue import Empty, SimpleQueue
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from srntt._shapes import Float, Shaped
from srntt.match._kernels import CAPACITY, KEY_WIDTH, QUERY_BYTES, pack, search_diagonals
from srntt.match._problem import Block, Problem, empty_norm, scale_for, split
from srntt.match._shortlist import Shortlist, rounding_margin
from srntt.match._threads import Threads

_TASKS_PER_THREAD = 4
_CANDIDATE_BYTES = CAPACITY * (8 + 8 + 8) + 8 + 8 + 8
_TAP_FACTORS = np.random.default_rng(1).integers(1, 2**63, (3, 3), dtype=np.uint64) | np.uint64(1)


@dataclass(frozen=True, eq=False)
class _Tile:
    """A packed rectangle of one map."""

    packed: Shaped[np.ndarray, "rows blocks c width"]
    norm: Float[np.ndarray, "centre_rows centre_columns"]  # of the patches, in float64, of the scaled map
    tags: Shaped[np.ndarray, "tagged_rows _"]  # hashes of the patches; no rows for a query


class _Candidates(NamedTuple):
    """Candidates that one thread has found for the positions of a query tile, and its workspace."""

    ring: np.ndarray
    summed: np.ndarray
    peak: np.ndarray
    floors: np.ndarray
    best: np.ndarray
    cosines: np.ndarray
    keys: np.ndarray
    tags: np.ndarray
    counts: np.ndarray
    dropped: np.ndarray


def tile_bytes(problem: Problem, size: int, threads: int, rows: int, columns: int) -> int:
    """Return the workspace, in bytes, of a query and a key tile of this shape, with the buffers of the threads."""
    rim = 2 * problem.reach
    wide = _round_up(columns + rim, math.lcm(KEY_WIDTH, QUERY_BYTES // 4))
    packed = 2 * (rows + rim) * (wide * problem.channels * size + (columns + rim) * 40)
    return packed + threads * (4 * wide * wide * size + rows * columns * 2 * _CANDIDATE_BYTES)


def shortlist(problem: Problem, block: Block, dtype: torch.dtype, threads: int, tile: tuple[int, int]) -> Shortlist:
    """Find the candidates of all positions of one query tile among all keys, in tiles of these rows and columns."""
    rows, columns = tile
    with Threads(threads) as pool:
        query = _pack(problem, problem.query, block, problem.query_peak, dtype, pool, tagged=False)
        empty = query.norm <= empty_norm(problem.query_peak)
        tolerance = (query.norm * rounding_margin(problem.channels, dtype)).astype(query.packed.dtype)
        tolerance = np.nextafter(tolerance, np.array(np.inf, tolerance.dtype))
        found = [_no_candidates(query, empty, columns + 2 * problem.reach) for _ in range(threads)]
        for number, features in enumerate(problem.keys):
            for part in split(problem.centres(features), rows, columns):
                _search(problem, query, tolerance, number, part, found, pool)
    return _collect(query, tolerance, empty, found)


def _search(
    problem: Problem, query: _Tile, tolerance: np.ndarray, number: int, part: Block, found: list, pool: Threads
) -> None:
    """Compare a query tile with the tile `part` of key map `number`, with the diagonals divided among the threads."""
    features, peak, reach = problem.keys[number], problem.key_peaks[number], problem.reach
    dtype = query.packed.dtype
    keys = _pack(problem, features, part, peak, getattr(torch, dtype.name), pool, tagged=True)
    filled = keys.norm > empty_norm(peak)
    inverse_norm = np.divide(1.0, keys.norm, out=np.zeros_like(keys.norm), where=filled).astype(dtype)
    width = features.shape[2]
    start = problem.key_starts[number] + part.top * width + part.left
    parts = 1 if pool.number == 1 else _TASKS_PER_THREAD * pool.number
    diagonals: SimpleQueue[tuple[int, int]] = SimpleQueue()
    for run in _share_out(len(query.packed), len(keys.packed), reach, parts):
        diagonals.put(run)
    final = dtype == np.float64
    inputs = (reach, final, inverse_norm, keys.tags, start, width, tolerance)
    pool.run(_search_runs, [(diagonals, query.packed, keys.packed, inputs, own) for own in found])


def _search_runs(diagonals: SimpleQueue, query: np.ndarray, keys: np.ndarray, inputs: tuple, own: _Candidates) -> None:
    """Search runs of diagonals from the queue until it is empty; executed by each thread."""
    with suppress(Empty):
        while True:
            first, last = diagonals.get_nowait()
            search_diagonals(query, keys, first, last, *inputs, *own)


def _share_out(query_rows: int, key_rows: int, reach: int, tasks: int) -> list[tuple[int, int]]:
    """Divide the diagonals into runs with about equal numbers of products."""
    diagonals = np.arange(2 * reach + 1 - query_rows, key_rows - 2 * reach)
    lengths = np.minimum(query_rows - np.maximum(0, -diagonals), key_rows - np.maximum(0, diagonals))
    done = np.cumsum(lengths)
    cuts = np.unique(np.searchsorted(done, np.linspace(0, done[-1], tasks + 1)[1:-1], side="right"))
    edges = [0, *(int(cut) for cut in cuts if 0 < cut < len(diagonals)), len(diagonals)]
    return [(int(diagonals[a]), int(diagonals[b - 1]) + 1) for a, b in pairwise(edges)]


def _pack(
    problem: Problem, features: Tensor, block: Block, peak: float, dtype: torch.dtype, pool: Threads, *, tagged: bool
) -> _Tile:
    """Pack a block and its rim for the kernel, scaled to values below 1 so that no product overflows."""
    rim = problem.reach
    rows, columns = block.rows + 2 * rim, block.columns + 2 * rim
    width = KEY_WIDTH if tagged else QUERY_BYTES // dtype.itemsize
    shape = (rows, -(-columns // width), problem.channels, width)
    packed = np.empty(shape, np.float64 if dtype == torch.float64 else np.float32)
    squares = np.empty((rows, columns))
    tags = np.zeros((rows if tagged else 0, columns), np.uint64)
    source = (features.numpy(), block.top - rim, block.left - rim, scale_for(peak))
    pool.run(pack, [(*source, *part, packed, squares, tags) for part in pool.shares(rows)])
    if rim:
        squares = _box_sum(squares, np.ones((3, 3)))
        tags = _box_sum(tags, _TAP_FACTORS) if tagged else tags
    return _Tile(packed, np.sqrt(squares), tags)


def _box_sum(pixels: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Compute the weighted sum over each 3x3 window, without padding."""
    rows, columns = pixels.shape[0] - 2, pixels.shape[1] - 2
    total = np.zeros((rows, columns), pixels.dtype)
    for dy in range(3):
        for dx in range(3):
            total += pixels[dy : dy + rows, dx : dx + columns] * factors[dy, dx].astype(pixels.dtype)
    return total


def _no_candidates(query: _Tile, empty: np.ndarray, key_columns: int) -> _Candidates:
    """Return empty lists, with the threshold of empty query patches set so that nothing is searched for them."""
    _, blocks, _, width = query.packed.shape
    dtype, positions = query.packed.dtype, empty.size
    ring = np.empty((3, _round_up(key_columns, KEY_WIDTH), blocks * width), dtype)
    return _Candidates(
        ring=ring,
        summed=np.empty_like(ring[0]),
        peak=np.empty(empty.shape[1], dtype),
        floors=np.empty(empty.shape[1], dtype),
        best=np.where(empty.ravel(), np.inf, -np.inf).astype(dtype),
        cosines=np.empty((positions, CAPACITY), dtype),
        keys=np.empty((positions, CAPACITY), np.int64),
        tags=np.empty((positions, CAPACITY), np.uint64),
        counts=np.zeros(positions, np.int64),
        dropped=np.full(positions, -np.inf, dtype),
    )


def _collect(query: _Tile, tolerance: np.ndarray, empty: np.ndarray, found: list[_Candidates]) -> Shortlist:
    """Merge the candidates of the threads, dropping those that a better one has since ruled out."""
    best = np.max([own.best for own in found], axis=0)
    floor = best - tolerance.ravel()
    norm = np.where(empty, 1.0, query.norm).ravel()
    positions, keys, cosines = [], [], []
    for own in found:
        filled = np.arange(CAPACITY) < own.counts[:, None]
        position, slot = np.nonzero(filled & (own.cosines >= floor[:, None]))
        positions.append(position)
        keys.append(own.keys[position, slot])
        cosines.append(own.cosines[position, slot] / norm[position])
    crowded = np.any([own.dropped >= floor for own in found], axis=0)
    position, key, cosine = (np.concatenate(parts) for parts in (positions, keys, cosines))
    return Shortlist(position, key, cosine, crowded, empty.ravel())


def _round_up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple
