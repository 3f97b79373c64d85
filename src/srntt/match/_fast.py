"""Fast approximate matching: a search tree proposes matches, and propagation between neighbours improves them.

Matches of neighbouring positions usually agree, but random search alone (PatchMatch) finds poor matches for most
positions without a true counterpart. Every position therefore queries a tree of the keys first; two sweeps of
propagation as in PatchMatch (Barnes et al. 2009, section 3.2) then find nearly all that the tree missed.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from srntt._shapes import Float, Int64
from srntt.errors import InputError, MemoryBudgetError
from srntt.match._dense import located
from srntt.match._match import Match
from srntt.match._patch_kernels import choose_candidates, propagate
from srntt.match._patch_rows import SKETCH, PatchRows, is_sketched, padded, patch_rows, sketches
from srntt.match._problem import Problem, Sizes, make_problem
from srntt.match._threads import Threads
from srntt.match._tree import build_tree, search_bytes, search_tree, tree_bytes

_KEPT = 8  # candidates re-ranked by their full patches after a search by projections
SWEEPS = 2
BAND = 16  # rows swept sequentially; fixed, so that results do not depend on the number of threads


@torch.no_grad()
def fast_match(
    query: Float[Tensor, "c h w"],
    keys: Sequence[Float[Tensor, "_ _ _"]],
    *,
    patch: int = 3,
    memory: int | None = None,
    border: str = "replicate",
    threads: int | None = None,
    seed: int = 0,
) -> Match:
    """Find the best match of each query patch among the patches of all keys, approximately.

    Like `dense_match`, but in O((n + m) log m) instead of O(n m). The similarity returned is the true cosine of the
    patch found, which is almost always the best patch; `srntt bench match --fast` measures how often, and the loss of
    similarity elsewhere. Ties are resolved arbitrarily. The result does not depend on the number of threads.

    Args:
        query: Features of the upsampled low-res picture, float32, on the CPU.
        keys: Features of the references, float32, each map of any size.
        patch: Side of the patches: 3 as in the paper, or 1 for descriptors with a receptive field of their own.
        memory: Limit on transient memory (all but arguments and result), in bytes; by default unlimited.
            `fast_match_bytes` predicts what is needed.
        border: "replicate" or "valid", as in `dense_match`.
        threads: Number of threads; by default `torch.get_num_threads()`.
        seed: Seed of the random choices of the tree.

    Returns:
        The match of each position of the query.

    Raises:
        InputError: Invalid or incompatible shapes, dtypes, devices or options, or features that are not finite.
        MemoryBudgetError: `memory` does not suffice; the message states the minimum.

    Example:
        >>> import torch
        >>> features = torch.randn(16, 30, 40, generator=torch.Generator().manual_seed(0))
        >>> match = fast_match(features[:, 5:15, 7:17], [features], patch=1)
        >>> match.y[3].tolist(), match.x[3].tolist()
        ([8, 8, 8, 8, 8, 8, 8, 8, 8, 8], [7, 8, 9, 10, 11, 12, 13, 14, 15, 16])
    """
    problem = make_problem(query, keys, patch, border)
    threads = torch.get_num_threads() if threads is None else threads
    if threads < 1 or not 0 <= seed < 2**63:
        raise InputError(f"threads={threads}, seed={seed}: threads must be at least 1, and seed in 0..2^63-1.")
    if query.device.type != "cpu":
        raise InputError(
            f"Fast matching runs on the CPU, but the features are on {query.device}. Use dense_match, which is faster "
            "there up to millions of positions, or move the features with .cpu()."
        )
    needed = fast_match_bytes(problem.sizes, threads)
    if memory is not None and memory < needed:
        raise MemoryBudgetError(
            f"memory={memory} bytes is too little for fast matching of these maps, which needs {needed} bytes. Give at "
            "least that, or use dense_match, which needs less."
        )
    with Threads(threads) as pool:
        return _match(problem, seed, pool)


def fast_match_bytes(sizes: Sizes, threads: int) -> int:
    """Return an upper bound of the transient memory of `fast_match`, in bytes.

    It is linear in the number of positions of the query and of the largest key map.
    """
    largest, width = max(sizes.keys), padded(sizes.channels)
    sketched = is_sketched(sizes.channels, sizes.patch)
    row = width * 4 + (SKETCH * 4 if sketched else 0) + 48
    kept = _KEPT if sketched else 1
    workspace = search_bytes(threads, kept) + (2**26 if sketched else 2**20)
    rows = (sizes.queries + largest) * row + sizes.queries * (kept * 8 + 48)
    return rows + tree_bytes(largest, SKETCH if sketched else width) + workspace


def _match(problem: Problem, seed: int, pool: Threads) -> Match:
    """Match with each key map and keep the best, the first of equal ones."""
    query = patch_rows(problem, None)
    best = np.full(len(query.pixels), problem.first_key)
    similarity = np.full(len(query.pixels), -np.inf, np.float32)
    for number, start in enumerate(problem.key_starts[:-1]):
        matches, cosines = _match_one(problem, query, patch_rows(problem, number), seed, pool)
        better = cosines > similarity
        best[better], similarity[better] = matches[better] + start, cosines[better]
    return as_match(problem, query, best, similarity)


def as_match(
    problem: Problem, query: PatchRows, best: Int64[np.ndarray, " n"], cosines: Float[np.ndarray, " n"]
) -> Match:
    """Convert the matches of all positions, in place; empty patches match the first key with similarity 0."""
    empty, shape = query.inverse_norm == 0, (query.height, query.width)
    best[empty], cosines[empty] = problem.first_key, 0.0
    return located(problem, best.reshape(shape), cosines.clip(-1.0, 1.0).reshape(shape))


def _match_one(
    problem: Problem, query: PatchRows, key: PatchRows, seed: int, pool: Threads
) -> tuple[Int64[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """Match in one key map; return matches and cosines of all positions, with undefined values in the frame."""
    sketched = is_sketched(problem.channels, problem.patch)
    requested, kept = sketches(query, key, problem.patch, seed, pool) if sketched else (query.pixels, key.pixels)
    found = search_tree(build_tree(kept, seed, pool), requested, _KEPT if sketched else 1, pool)
    matches, cosines = best_of(query, key, np.where(found < 0, -1, key.centres[found]), pool)
    for number in range(SWEEPS):
        sweep(query, key, number, matches, cosines, (None, None), pool)
    return matches, cosines


def best_of(
    query: PatchRows, key: PatchRows, candidates: Int64[np.ndarray, "k kept"], pool: Threads
) -> tuple[Int64[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """Return the best candidate of each centre and its cosine; both are 0 in the frame."""
    matches = np.zeros(len(query.pixels), np.int64)
    cosines = np.zeros(len(query.pixels), np.float32)
    centres = query.centres
    parts = [slice(start, start + 4096) for start in range(0, len(centres), 4096)]
    maps = (query.as_arguments, key.as_arguments)
    pool.run(choose_candidates, [(*maps, centres[p], candidates[p], matches, cosines) for p in parts])
    return matches, cosines


def sweep(
    query: PatchRows,
    key: PatchRows,
    number: int,
    matches: Int64[np.ndarray, " n"],
    cosines: Float[np.ndarray, " n"],
    beyond: tuple[Int64[np.ndarray, " w"] | None, Int64[np.ndarray, " w"] | None],
    pool: Threads,
) -> None:
    """Propagate matches between neighbouring positions once, in place.

    Args:
        query: Rows of the query.
        key: Rows of the key map.
        number: Index of the sweep, which determines its direction.
        matches: Matches of the query's positions.
        cosines: Their cosines.
        beyond: Matches before this sweep in the rows just above and below the query; None at the edge of the picture.
        pool: Threads to use.
    """
    frame, inner = query.frame, slice(query.frame, query.height - query.frame)
    before = np.full((query.height + 2, query.width), -1)
    before[1:-1][inner] = matches.reshape(query.height, query.width)[inner]
    for row, outside in zip((0, -1), beyond, strict=True):
        if outside is not None:
            before[row] = outside
    bands = [(top, min(top + BAND, inner.stop)) for top in range(inner.start, inner.stop, BAND)]
    shared = (number, before.ravel(), matches, cosines)
    pool.run(propagate, [(query.as_arguments, key.as_arguments, frame, *band, *shared) for band in bands])
