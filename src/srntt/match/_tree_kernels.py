"""Inner loops of the search tree, compiled by Numba: halving nodes, and comparing queries with the children of nodes.

As in the exact engine, fast-math is not used: the result depends on the features and the seed only, not on the number
of threads.
"""

from typing import no_type_check

import numpy as np

from srntt._compile import compiled
from srntt.match._kernels import KEY_WIDTH, _panel_product

LANES = 16
"""Rows are padded to a multiple of this, so that sums run in this many lanes and LLVM can vectorise them."""

_SAMPLE = 256
_ROUNDS = 3
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


@compiled
@no_type_check
def dot(first, second, lanes):
    """Compute the inner product of two rows whose length is a multiple of LANES."""
    for n in range(LANES):
        lanes[n] = 0.0
    for start in range(0, first.size, LANES):
        for n in range(LANES):
            lanes[n] += first[start + n] * second[start + n]
    half = LANES // 2
    while half > 0:
        for n in range(half):
            lanes[n] += lanes[n + half]
        half //= 2
    return lanes[0]


@compiled
@no_type_check
def _draw(seed, level, node):
    """Return a pseudo-random number for a node of the tree (finalizer of splitmix64)."""
    state = (np.uint64(seed) + np.uint64(1)) * _MULTIPLIER + (np.uint64(1) << np.uint64(level)) + np.uint64(node)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.int64((state ^ (state >> np.uint64(31))) >> np.uint64(1))


@compiled
@no_type_check
def _direction(rows, members, start, lanes, ends, sums):
    """Store in ``ends[0]`` the difference of the two centres of 2-means on a sample of unit rows."""
    sample = min(members.size, _SAMPLE)
    step = members.size // sample
    ends[0] = rows[members[start]]
    lowest = np.float32(np.inf)
    for n in range(sample):
        row = rows[members[(start + n * step) % members.size]]
        score = dot(row, ends[0], lanes)
        if score < lowest:
            lowest = score
            ends[1] = row
    for _ in range(_ROUNDS):
        sums[:] = 0.0
        for n in range(sample):
            row = rows[members[(start + n * step) % members.size]]
            side = 1 if dot(row, ends[1], lanes) > dot(row, ends[0], lanes) else 0
            for k in range(row.size):
                sums[side, k] += row[k]
        for side in range(2):
            norm = np.sqrt(dot(sums[side], sums[side], lanes))
            if norm > 0.0:
                for k in range(sums.shape[1]):
                    ends[side, k] = sums[side, k] / norm
    for k in range(sums.shape[1]):
        ends[0, k] = ends[1, k] - ends[0, k]


@compiled
@no_type_check
def _partition(values, members, middle):
    """Reorder both arrays so that no value before `middle` is greater than one after it (Hoare's quickselect)."""
    low, high = 0, values.size - 1
    while low < high:
        pivot = values[(low + high) // 2]
        left, right = low, high
        while left <= right:
            while values[left] < pivot:
                left += 1
            while values[right] > pivot:
                right -= 1
            if left <= right:
                values[left], values[right] = values[right], values[left]
                members[left], members[right] = members[right], members[left]
                left += 1
                right -= 1
        if middle <= right:
            high = right
        elif middle >= left:
            low = left
        else:
            return


@compiled
@no_type_check
def halve_nodes(rows, order, level, first, last, seed):
    """Reorder the members of nodes ``first..last`` of a level so that each half of a node is one of its children."""
    lanes = np.empty(LANES, np.float32)
    ends, sums = np.empty((2, rows.shape[1]), np.float32), np.empty((2, rows.shape[1]), np.float32)
    for node in range(first, last):
        members = order[node * order.size >> level : (node + 1) * order.size >> level]
        middle = ((2 * node + 1) * order.size >> (level + 1)) - (node * order.size >> level)
        _direction(rows, members, _draw(seed, level, node) % members.size, lanes, ends, sums)
        projected = np.empty(members.size, np.float32)
        for n in range(members.size):
            projected[n] = dot(rows[members[n]], ends[0], lanes)
        _partition(projected, members, middle)


@compiled
@no_type_check
def pack_rows(rows, order, starts, first, last, packed):
    """Pack the rows of nodes ``first..last`` for the product as ``(node, panel, channel, width)``, padded with 0."""
    width = packed.shape[3]
    for node in range(first, last):
        packed[node] = 0.0
        for n in range(starts[node + 1] - starts[node]):
            row = rows[order[starts[node] + n]]
            for k in range(row.size):
                packed[node, n // width, k, n % width] = row[k]


@compiled
@no_type_check
def _keep_best(products, first_child, query, children, scores, counts):
    """Insert the children of a node into the sorted list of a query's best; the first of equal ones ranks higher.

    Called once per node, because a Numba call increments the reference counts of its arrays, which takes longer than
    most insertions.
    """
    last = scores.shape[1] - 1
    count = counts[query]
    floor = scores[query, last] if count > last else -np.inf
    for n in range(products.size):
        score = products[n]
        if score > floor:
            place = min(count, last)
            while place > 0 and scores[query, place - 1] < score:
                scores[query, place], children[query, place] = scores[query, place - 1], children[query, place - 1]
                place -= 1
            scores[query, place], children[query, place] = score, first_child + n
            count = min(count + 1, last + 1)
            floor = scores[query, last] if count > last else -np.inf
    counts[query] = count


@compiled
@no_type_check
def _highest(scores, lanes):
    """Return the maximum of a row of scores whose length is a multiple of LANES."""
    for n in range(LANES):
        lanes[n] = scores[n]
    for start in range(LANES, scores.size, LANES):
        for n in range(LANES):
            lanes[n] = lanes[n] if lanes[n] > scores[start + n] else scores[start + n]
    highest = lanes[0]
    for n in range(1, LANES):
        highest = max(highest, lanes[n])
    return highest


@compiled
@no_type_check
def _sort_by_node(nodes, counts, ends):
    """Group the queries by node, as ``query * nodes.shape[1] + slot``; those of node n end at ``ends[n]``."""
    ends[:] = 0
    for query in range(nodes.shape[0]):
        for slot in range(counts[query]):
            ends[nodes[query, slot]] += 1
    total = 0
    for node in range(ends.size):
        total += ends[node]
        ends[node] = total - ends[node]
    asking = np.empty(total, np.int64)
    for query in range(nodes.shape[0]):
        for slot in range(counts[query]):
            node = nodes[query, slot]
            asking[ends[node]] = query * nodes.shape[1] + slot
            ends[node] += 1
    return asking


@compiled
@no_type_check
def _products_of_group(queries, asking, slots, block, used, panel, products):
    """Compute the inner products of up to KEY_WIDTH queries with the first `used` panels of a node's children."""
    for n in range(asking.size):
        row = queries[asking[n] // slots]
        for k in range(panel.shape[0]):
            panel[k, n] = row[k]
    width = block.shape[2]
    for part in range(used):
        _panel_product(panel, block[part], products[:, part * width :])


@compiled
@no_type_check
def _select(scores, limit):
    """Return a threshold that about `limit` of the scores exceed; at least half as many, unless scores are equal.

    Bisection with vectorised counting takes a fifth of the time of keeping a sorted list.
    """
    low, high = np.float32(-1.01), np.float32(1.01)
    for _ in range(20):
        middle = (low + high) * np.float32(0.5)
        above = 0
        for n in range(scores.size):
            above += scores[n] > middle
        if above > limit:
            low = middle
        else:
            high = middle
            if 8 * above >= 7 * limit:
                break
    return high if above <= limit and 2 * above >= limit else low


@compiled
@no_type_check
def choose_children(queries, nodes, node_counts, blocks, starts, children, counts):
    """Compare each query with the children of its nodes and keep the best, in no particular order.

    Queries of the same node are compared with it together, a panel at a time.

    Args:
        queries: Rows of at most unit length.
        nodes: Indices of the nodes of each query, `node_counts` of them.
        node_counts: Number of nodes of each query.
        blocks: Rows of the nodes' children, packed by `pack_rows`.
        starts: Index of the first child of each node, and one past the last child.
        children: Output: indices of the best children of each query's nodes.
        counts: Output: number of children of each query.
    """
    width, slots, limit = blocks.shape[3], nodes.shape[1], children.shape[1]
    room = blocks.shape[1] * width
    ends = np.empty(blocks.shape[0], np.int64)
    asking = _sort_by_node(nodes, node_counts, ends)
    panel = np.zeros((blocks.shape[2], KEY_WIDTH), np.float32)
    products = np.empty((KEY_WIDTH, room), np.float32)
    scores = np.full((queries.shape[0], slots * room), np.float32(-2.0))
    begin = 0
    for node in range(blocks.shape[0]):
        size = starts[node + 1] - starts[node]
        for first in range(begin, ends[node], KEY_WIDTH):
            group = asking[first : min(first + KEY_WIDTH, ends[node])]
            _products_of_group(queries, group, slots, blocks[node], -(-size // width), panel, products)
            for n in range(group.size):
                query, start = group[n] // slots, group[n] % slots * room
                for child in range(size):
                    scores[query, start + child] = products[n, child]
        begin = ends[node]
    for query in range(queries.shape[0]):
        own = scores[query, : node_counts[query] * room]
        threshold = _select(own, limit)
        count = 0
        for n in range(own.size):
            if own[n] > threshold and count < limit:
                children[query, count] = starts[nodes[query, n // room]] + n % room
                count += 1
        counts[query] = count


@compiled
@no_type_check
def choose_keys(queries, nodes, node_counts, blocks, starts, keys, scores, counts):
    """Like `choose_children` for leaves, whose children are keys; keep the best in order, with their products."""
    width, slots = blocks.shape[3], nodes.shape[1]
    ends = np.empty(blocks.shape[0], np.int64)
    asking = _sort_by_node(nodes, node_counts, ends)
    panel = np.zeros((blocks.shape[2], KEY_WIDTH), np.float32)
    products = np.empty((KEY_WIDTH, blocks.shape[1] * width), np.float32)
    lanes = np.empty(LANES, np.float32)
    counts[:] = 0
    begin = 0
    for node in range(blocks.shape[0]):
        size = starts[node + 1] - starts[node]
        for first in range(begin, ends[node], KEY_WIDTH):
            group = asking[first : min(first + KEY_WIDTH, ends[node])]
            _products_of_group(queries, group, slots, blocks[node], -(-size // width), panel, products)
            for n in range(group.size):
                query, own = group[n] // slots, products[n]
                own[size:] = -np.inf
                full = counts[query] == scores.shape[1]
                if not full or _highest(own, lanes) > scores[query, counts[query] - 1]:
                    _keep_best(own[:size], starts[node], query, keys, scores, counts)
        begin = ends[node]
