"""Inner loops of the fused engine, compiled by Numba. They are independent of torch, threads and references.

A *tile* is a rectangle of positions of one map, with the pixels that its patches cover. Packed, it has shape
``(rows, blocks, c, width)``: ``width`` neighbouring pixels of a row are contiguous, so that the product of a query row
with a key row reads both sequentially. Products of two rows have shape ``(key column, query column)``.

The product is written in LLVM vector code, because Numba does not expose vector registers: with sums kept in registers
it is 2.5 times as fast as MKL on the processors we measured. The other loops are plain, and LLVM vectorises them.
Fast-math is not used, so that a score is identical in any tile and thread.
"""

from typing import no_type_check

import numpy as np
from llvmlite import ir
from llvmlite.binding import get_host_cpu_features
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from srntt._compile import compiled

_features = get_host_cpu_features()
# Bytes of a vector register, and rows of sums kept at a time: KEY_WIDTH x 2 sums must fit in the vector registers.
_VECTOR_BYTES, KEY_WIDTH = (64, 8) if _features.get("avx512f") else (32, 6) if _features.get("avx2") else (16, 6)
QUERY_BYTES = 2 * _VECTOR_BYTES
CAPACITY = 8
"""Candidates kept for a query position; photographs need one or two, rarely three."""
_COLUMNS_AT_ONCE = 32
_TAG_FACTOR = np.uint64(0x9E3779B97F4A7C15)


@intrinsic
@no_type_check
def _panel_product(typing_context, keys, query, out):
    """Compute out[r, :] = sum over k of keys[k, r] * query[k, :] for r < KEY_WIDTH, two vectors of pixels at a time."""

    def generate(context, builder, signature, arguments):
        element = ir.FloatType() if signature.args[0].dtype == types.float32 else ir.DoubleType()
        size = signature.args[0].dtype.bitwidth // 8
        lanes = _VECTOR_BYTES // size
        vector = ir.VectorType(element, lanes)
        index = context.get_value_type(types.intp)
        zero = ir.Constant(vector, [0.0] * lanes)
        multiply_add = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(vector, [vector] * 3), f"llvm.fma.v{lanes}f{8 * size}"
        )
        arrays = [context.make_array(t)(context, builder, a) for t, a in zip(signature.args, arguments, strict=True)]
        key_start, query_start, out_start = (builder.bitcast(a.data, element.as_pointer()) for a in arrays)
        depth = builder.extract_value(arrays[1].shape, 0)
        out_stride = builder.udiv(builder.extract_value(arrays[2].strides, 0), ir.Constant(index, size))

        def vector_at(pointer, offset):
            return builder.bitcast(builder.gep(pointer, [offset]), vector.as_pointer())

        def broadcast(value):
            undefined = ir.Constant(vector, ir.Undefined)
            first = builder.insert_element(undefined, value, ir.Constant(ir.IntType(32), 0))
            return builder.shuffle_vector(
                first, undefined, ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)
            )

        sums = [[cgutils.alloca_once_value(builder, zero) for _ in range(2)] for _ in range(KEY_WIDTH)]
        with cgutils.for_range(builder, depth) as loop:
            key_offset = builder.mul(loop.index, ir.Constant(index, KEY_WIDTH))
            query_offset = builder.mul(loop.index, ir.Constant(index, 2 * lanes))
            pixels = [
                builder.load(
                    vector_at(query_start, builder.add(query_offset, ir.Constant(index, v * lanes))), align=size
                )
                for v in range(2)
            ]
            for row in range(KEY_WIDTH):
                pointer = builder.gep(key_start, [builder.add(key_offset, ir.Constant(index, row))])
                factor = broadcast(builder.load(pointer, align=size))
                for v in range(2):
                    total = builder.call(multiply_add, [factor, pixels[v], builder.load(sums[row][v])])
                    builder.store(total, sums[row][v])
        for row in range(KEY_WIDTH):
            start = builder.mul(out_stride, ir.Constant(index, row))
            for v in range(2):
                target = vector_at(out_start, builder.add(start, ir.Constant(index, v * lanes)))
                builder.store(builder.load(sums[row][v]), target, align=size)
        return context.get_dummy_value()

    return types.void(keys, query, out), generate


@compiled
@no_type_check
def pack(source, top, left, scale, first, last, packed, squares, tags):
    """Copy rows ``first..last`` of a tile to `packed`, with the sum of squares and a hash of each pixel's channels.

    Coordinates outside the map repeat the nearest pixel; columns that fill up the last block are 0. No hashes are
    computed if `tags` has no rows.
    """
    channels, height, width = source.shape
    columns = squares.shape[1]
    block_width = packed.shape[3]
    line = np.zeros(packed.shape[1] * block_width, source.dtype)
    bits = line.view(np.uint32)
    for row in range(first, last):
        y = min(max(top + row, 0), height - 1)
        squares[row] = 0.0
        for k in range(channels):
            inside_first = min(max(-left, 0), columns)
            inside_last = max(min(width - left, columns), inside_first)
            for x in range(inside_first):
                line[x] = source[k, y, 0]
            for x in range(inside_first, inside_last):
                line[x] = source[k, y, left + x]
            for x in range(inside_last, columns):
                line[x] = source[k, y, width - 1]
            if tags.shape[0] > 0:
                for x in range(columns):
                    tags[row, x] = tags[row, x] * _TAG_FACTOR + np.uint64(bits[x])
            for x in range(columns):
                value = np.float64(line[x]) * scale
                squares[row, x] += value * value
            for block in range(packed.shape[1]):
                for x in range(block_width):
                    packed[row, block, k, x] = packed.dtype.type(line[block * block_width + x]) * packed.dtype.type(
                        scale
                    )


@compiled
@no_type_check
def _row_products(keys, query, out):
    """Compute the products of every pixel of a key row with every pixel of a query row."""
    query_width = query.shape[2]
    for block in range(query.shape[0]):
        for group in range(keys.shape[0]):
            _panel_product(keys[group], query[block], out[group * KEY_WIDTH :, block * query_width :])


@compiled
@no_type_check
def _sum_rows(above, here, below, out):
    for n in range(out.size):
        out[n] = above[n] + here[n] + below[n]


@compiled
@no_type_check
def _peak_of_row(products, inverse_norm, reach, peak):
    """Find the best score of each query column against one key row."""
    peak[:] = -np.inf
    for key in range(inverse_norm.size):
        inverse = inverse_norm[key]
        if reach == 0:
            here = products[key]
            for x in range(peak.size):
                score = here[x] * inverse
                peak[x] = peak[x] if peak[x] > score else score
        else:
            before, here, after = products[key], products[key + 1], products[key + 2]
            for x in range(peak.size):
                score = (before[x] + here[x + 1] + after[x + 2]) * inverse
                peak[x] = peak[x] if peak[x] > score else score


@compiled
@no_type_check
def _room_for(query, key, score, floor, scores, found, tags, counts, dropped):
    """Return the slot to replace in a full list, or -1: a candidate below the floor, else the one of highest index."""
    kept = 0
    for n in range(CAPACITY):
        if scores[query, n] >= floor:
            scores[query, kept], found[query, kept] = scores[query, n], found[query, n]
            tags[query, kept] = tags[query, n]
            kept += 1
    counts[query] = kept
    if kept < CAPACITY:
        counts[query] += 1
        return kept
    highest = np.argmax(found[query])
    dropped[query] = max(dropped[query], score, scores[query, highest])
    return highest if key < found[query, highest] else -1


@compiled
@no_type_check
def _admit(block_scores, floors, final, key, tag, position, scores, found, tags, counts, dropped):
    """Add a key to the candidates of all columns where its score reaches the floor.

    If the patch is equal to a candidate, only the lower index is kept. In the `final` search, whose scores are exact, a
    key with a lower score and a higher index than a candidate is not added. The columns are looped over inside, because
    a Numba call increments the reference counts of all its array arguments, which takes longer than the work.
    """
    for x in range(floors.size):
        if block_scores[x] < floors[x]:
            continue
        query = position + x
        slot = 0
        while slot < counts[query]:
            beaten = final and found[query, slot] < key and scores[query, slot] >= block_scores[x]
            if beaten or tags[query, slot] == tag:
                break
            slot += 1
        if slot < counts[query]:
            found[query, slot] = min(found[query, slot], key)
            continue
        if slot == CAPACITY:
            slot = _room_for(query, key, block_scores[x], floors[x], scores, found, tags, counts, dropped)
        else:
            counts[query] += 1
        if slot >= 0:
            scores[query, slot], found[query, slot], tags[query, slot] = block_scores[x], key, tag


@compiled
@no_type_check
def _floors_of_row(peak, tolerance, final, best, dropped, floors):
    """Set the score that each column must reach against this key row; return whether the best of any column does.

    Positions that are already crowded are skipped, since they will be searched again in float64, unless this is that
    `final` search.
    """
    promising = False
    for x in range(peak.size):
        floors[x] = np.inf
        if peak[x] < best[x] - tolerance[x]:
            continue
        best[x] = max(best[x], peak[x])
        floor = best[x] - tolerance[x]
        if not final and dropped[x] >= floor:
            dropped[x] = max(dropped[x], peak[x])
        else:
            floors[x] = floor
            promising = True
    return promising


@compiled
@no_type_check
def _collect(
    products, inverse_norm, reach, final, floors, key_tags, key_start, position, scores, found, tags, counts, dropped
):
    """Add every pair of a query row (from `position`) and a key row whose score reaches the floor of its column."""
    block_scores = np.empty(_COLUMNS_AT_ONCE, products.dtype)
    for left in range(0, floors.size, _COLUMNS_AT_ONCE):
        block_floors = floors[left : left + _COLUMNS_AT_ONCE]
        if block_floors.min() == np.inf:
            continue
        for key in range(inverse_norm.size):
            inverse = inverse_norm[key]
            hits = 0
            if reach == 0:
                here = products[key, left:]
                for x in range(block_floors.size):
                    block_scores[x] = here[x] * inverse
                    hits += block_scores[x] >= block_floors[x]
            else:
                before, here, after = products[key, left:], products[key + 1, left + 1 :], products[key + 2, left + 2 :]
                for x in range(block_floors.size):
                    block_scores[x] = (before[x] + here[x] + after[x]) * inverse
                    hits += block_scores[x] >= block_floors[x]
            if hits > 0:
                _admit(
                    block_scores, block_floors, final, key_start + key, key_tags[key], position + left,
                    scores, found, tags, counts, dropped,
                )  # fmt: skip


@compiled
@no_type_check
def search_diagonals(
    query, keys, first, last, reach, final, inverse_norm, key_tags, key_start, key_stride, tolerance,
    ring, summed, peak, floors, best, scores, found, tags, counts, dropped,
):  # fmt: skip
    """Compare a query tile with a key tile along the diagonals ``first <= key row - query row < last``.

    Along a diagonal, each product of two rows contributes to three centres and is computed once. A ring buffer of three
    products stays in the second-level cache together with the sums. Individual scores are examined only in rows whose
    best score is within `tolerance` of the best so far.
    """
    columns = tolerance.shape[1]
    for diagonal in range(first, last):
        start = max(0, -diagonal)
        for step in range(min(query.shape[0] - start, keys.shape[0] - start - diagonal)):
            products = ring[step % 3]
            _row_products(keys[start + step + diagonal], query[start + step], products)
            if step < 2 * reach:
                continue
            if reach > 0:
                above, here = ring[(step + 1) % 3], ring[(step + 2) % 3]
                _sum_rows(above.ravel(), here.ravel(), products.ravel(), summed.ravel())
                products = summed
            query_row = start + step - 2 * reach
            key_row = query_row + diagonal
            position = query_row * columns
            own = slice(position, position + columns)
            _peak_of_row(products, inverse_norm[key_row], reach, peak)
            if _floors_of_row(peak, tolerance[query_row], final, best[own], dropped[own], floors):
                _collect(
                    products, inverse_norm[key_row], reach, final, floors, key_tags[key_row],
                    key_start + key_row * key_stride, position, scores, found, tags, counts, dropped,
                )  # fmt: skip
