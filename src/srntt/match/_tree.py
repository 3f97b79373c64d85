"""Search tree of the keys: beam search for the most promising leaves of each query.

Keys are halved recursively along the axis of 2-means until leaves have 33 to 64 keys. The tree is balanced whatever the
keys are, so that flat areas (many equal keys) cost no more than others. A query descends by inner products with the
mean directions of 32 children at a time, keeps the best `_BEAM` nodes of each level, and is compared with all keys of
the best `_BEAM` leaves. Building takes O(m log m), and each query O(log m).
"""

import math
from dataclasses import dataclass

import numpy as np

from srntt._shapes import Float, Int64, Shaped
from srntt.match._kernels import QUERY_BYTES
from srntt.match._threads import Threads
from srntt.match._tree_kernels import choose_children, choose_keys, halve_nodes, pack_rows

LEAF = 64
_BRANCHES = 5  # halvings between two levels of the search: 32 children
_ROOT_BRANCHES = 7
_BEAM = 32
_CHUNK = 8192  # queries per task; fixed, so that results do not depend on the number of threads
_AT_ONCE = 1024  # queries that descend to the leaves together
_WIDTH = QUERY_BYTES // 4


@dataclass(frozen=True, eq=False)
class KeyTree:
    """Search tree.

    Attributes:
        order: Indices of the keys, leaf by leaf.
        levels: For each level from the root, the packed rows of the children of its nodes; the keys at the last level.
        starts: For each level, the index of the first child of each node, and one past the last child; at the last
            level they index `order`.
    """

    order: Int64[np.ndarray, " m"]
    levels: tuple[Shaped[np.ndarray, "_ _ _ _"], ...]
    starts: tuple[Shaped[np.ndarray, " _"], ...]


def tree_bytes(keys: int, channels: int) -> int:
    """Return an upper bound of the memory of a tree and of building it, in bytes."""
    leaves = 1 << _depth(keys)
    nodes = leaves * (LEAF + 2 + 4) + (1 << _ROOT_BRANCHES)  # packed keys; means of all levels, packed and plain
    return nodes * channels * 4 + keys * 40


def build_tree(rows: Float[np.ndarray, "m d"], seed: int, pool: Threads) -> KeyTree:
    """Build the tree of rows of at most unit length; the result does not depend on the number of threads."""
    depth = _depth(len(rows))
    order = np.arange(len(rows))
    for level in range(depth):
        pool.run(halve_nodes, [(rows, order, level, *part, seed) for part in pool.shares(1 << level, each=4)])
    leaf_starts = np.arange((1 << depth) + 1) * len(rows) >> depth
    levels, starts = [_packed(rows, order, leaf_starts, LEAF, pool)], [leaf_starts]
    means = levels[0].sum((1, 3))
    while depth:
        halvings = depth if depth <= _ROOT_BRANCHES else _BRANCHES
        norms = np.linalg.norm(means, axis=1, keepdims=True)
        directions = np.divide(means, norms, out=np.zeros_like(means), where=norms > 0)
        depth -= halvings
        starts.insert(0, np.arange((1 << depth) + 1) << halvings)
        room = -(-(1 << halvings) // 32) * 32
        levels.insert(0, _packed(directions, np.arange(len(means)), starts[0], room, pool))
        means = means.reshape(1 << depth, 1 << halvings, -1).sum(1)
    return KeyTree(order, tuple(levels), tuple(starts))


def search_tree(
    tree: KeyTree, queries: Float[np.ndarray, "n d"], kept: int, pool: Threads
) -> Int64[np.ndarray, "n kept"]:
    """Return the indices of the `kept` best keys found for each query, best first, padded with -1."""
    found = np.full((len(queries), kept), -1)
    chunks = [slice(start, start + _CHUNK) for start in range(0, len(queries), _CHUNK)]
    pool.run(_search, [(tree, queries[chunk], found[chunk]) for chunk in chunks])
    return found


def search_bytes(threads: int, kept: int) -> int:
    """Return the workspace of `search_tree` without its result, in bytes."""
    return threads * _CHUNK * (2 * (_BEAM + kept) * 12 + _BEAM * 8)


def _search(tree: KeyTree, queries: np.ndarray, found: np.ndarray) -> None:
    """Search a chunk of queries from the root to the keys."""
    nodes, counts = np.zeros((len(queries), _BEAM), np.int64), np.ones(len(queries), np.int64)
    leaves, starts = tree.levels[-1], tree.starts[-1]
    if len(leaves) > 1:
        for start in range(0, len(queries), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            nodes[part], counts[part] = _choose_leaves(tree, queries[part])
    keys = np.empty(found.shape, np.int64)
    scores, key_counts = np.empty(found.shape, np.float32), np.empty_like(counts)
    choose_keys(queries, nodes, counts, leaves, starts, keys, scores, key_counts)
    there = np.arange(found.shape[1]) < key_counts[:, None]
    found[there] = tree.order[keys[there]]


def _choose_leaves(tree: KeyTree, queries: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of the most promising leaves of each query, and their number."""
    nodes, counts = np.zeros((len(queries), 1), np.int64), np.ones(len(queries), np.int64)
    for blocks, starts in zip(tree.levels[:-1], tree.starts[:-1], strict=True):
        children, child_counts = np.zeros((len(queries), _BEAM), np.int64), np.empty_like(counts)
        choose_children(queries, nodes, counts, blocks, starts, children, child_counts)
        nodes, counts = children, child_counts
    return nodes, counts


def _packed(rows: np.ndarray, order: np.ndarray, starts: np.ndarray, room: int, pool: Threads) -> np.ndarray:
    packed = np.empty((len(starts) - 1, room // _WIDTH, rows.shape[1], _WIDTH), np.float32)
    pool.run(pack_rows, [(rows, order, starts, *part, packed) for part in pool.shares(len(packed))])
    return packed


def _depth(keys: int) -> int:
    return max(0, math.ceil(math.log2(keys / LEAF)))
