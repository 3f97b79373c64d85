"""Inner loops of the Triton engine: products, diagonal sums, norms and running maxima of tiles, all on chip.

Maps are rows of channels in row-major order, so that a step along a map is a step of one row for query and keys alike.
A program owns queries that are ``WALK`` positions apart and walks that distance with them, next to a run of
neighbouring keys. At each step, the products of a tile for the three patch rows are one matrix product of depth
``3 c``, and the sum over the patch columns is the sum of three successive steps. This takes a third of the products of
Eq. 1 as written, sums whole tiles in registers, and moves no element between threads; Triton has no cheap way to shift
a tile along both of its axes.
"""

# ruff: noqa: N803 (compile-time constants are upper case)

from typing import no_type_check

import triton  # pyright: ignore[reportMissingImports]
import triton.language as tl  # pyright: ignore[reportMissingImports]

# Not specialised for sizes that are multiples of 16: rows are loaded whole, whatever their number.
_SIZES = (
    "query_guard", "query_width", "key_guard", "key_width", "key_start", "blocks", "blocks_per_split", "states",
)  # fmt: skip


@triton.jit(do_not_specialize=_SIZES)
@no_type_check
def match_kernel(
    query, keys, factor, offset, best, index, second,
    query_guard, query_width, key_guard, key_width, key_start, blocks, blocks_per_split, states,
    CHANNELS: tl.constexpr, BLOCK: tl.constexpr, M: tl.constexpr, N: tl.constexpr, WALK: tl.constexpr,
    CLASSES: tl.constexpr, REACH: tl.constexpr, EXACT: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Compare ``M * WALK`` queries with part of the keys of a map; ``best`` and ``index`` hold the best of each class.

    The class of a key is its column in the tile modulo ``CLASSES``, so that neighbours, which score similarly, do not
    exclude each other. With ``EXACT``, ``second`` holds the highest score that was not kept.
    """
    group, split = tl.program_id(0), tl.program_id(1)
    rows = (group * M + tl.arange(0, M)) * WALK
    depth = tl.arange(0, BLOCK)
    classes = tl.arange(0, CLASSES)
    query_at = query + (query_guard + rows).to(tl.int64)[:, None] * CHANNELS + depth[None, :]
    state = (split.to(tl.int64) * states + rows)[:, None] * CLASSES + classes[None, :]
    first = split * blocks_per_split
    for block in range(first, tl.minimum(first + blocks_per_split, blocks)):
        columns = block * N - (WALK - 1) + tl.arange(0, N)
        keys_at = keys + (key_guard + columns).to(tl.int64)[None, :] * CHANNELS + depth[:, None]
        before = tl.zeros((M, N), dtype=tl.float32)  # the last step
        pair = tl.zeros((M, N), dtype=tl.float32)  # the last two
        for step in range(-REACH, WALK + REACH):
            last = tl.zeros((M, N), dtype=tl.float32)
            for part in range((2 * REACH + 1) * (CHANNELS // BLOCK)):
                row = part // (CHANNELS // BLOCK) - REACH
                channel = part % (CHANNELS // BLOCK) * BLOCK
                q = tl.load(query_at + ((step + row * query_width) * CHANNELS + channel))
                k = tl.load(keys_at + ((step + row * key_width) * CHANNELS + channel))
                last = tl.dot(q, k, last, input_precision=PRECISION)
            if REACH == 1:
                total = pair + last
                pair = before + last
                before = last
            else:
                total = last
            centre = step - REACH
            if centre >= 0:
                key = columns + centre
                # Minus infinity outside patch centres; a patch of zeros has factor 0.
                scores = total * tl.load(factor + key_guard + key)[None, :] + tl.load(offset + key_guard + key)[None, :]
                scores = tl.reshape(scores, (M, N // CLASSES, CLASSES))
                high, where = tl.max(scores, axis=1, return_indices=True)
                at = state + centre * CLASSES
                held = tl.load(best + at)
                better = high > held
                if EXACT:
                    winner = tl.arange(0, N // CLASSES)[None, :, None] == where[:, None, :]
                    runner_up = tl.max(tl.where(winner, -float("inf"), scores), axis=1)
                    lost = tl.maximum(runner_up, tl.minimum(high, held))
                    tl.store(second + at, tl.maximum(tl.load(second + at), lost))
                number = key_start + block * N - (WALK - 1) + centre + where * CLASSES + classes[None, :]
                tl.store(best + at, high, mask=better)
                tl.store(index + at, number, mask=better)
        tl.debug_barrier()  # the next block reads what this one stored


@triton.jit(do_not_specialize=("query_width", "key_width", "pairs"))
@no_type_check
def recheck_kernel(
    query, keys, query_rows, key_rows, wanted, products, query_width, key_width, pairs,
    CHANNELS: tl.constexpr, BLOCK: tl.constexpr, PAIRS: tl.constexpr, REACH: tl.constexpr,
):  # fmt: skip
    """Compute in float64 the inner products of the patches around the wanted pairs of rows."""
    pair = tl.program_id(0).to(tl.int64) * PAIRS + tl.arange(0, PAIRS)
    inside = pair < pairs
    used = inside & (tl.load(wanted + pair, mask=inside, other=0) != 0)
    query_row = tl.load(query_rows + pair, mask=used, other=0)
    key_row = tl.load(key_rows + pair, mask=used, other=0)
    depth = tl.arange(0, BLOCK)
    total = tl.zeros((PAIRS,), dtype=tl.float64)
    for tap in range((2 * REACH + 1) * (2 * REACH + 1)):
        dy, dx = tap // (2 * REACH + 1) - REACH, tap % (2 * REACH + 1) - REACH
        query_at = query + (query_row + dy * query_width + dx)[:, None] * CHANNELS + depth[None, :]
        keys_at = keys + (key_row + dy * key_width + dx)[:, None] * CHANNELS + depth[None, :]
        for channel in range(0, CHANNELS, BLOCK):
            q = tl.load(query_at + channel, mask=used[:, None], other=0.0).to(tl.float64)
            k = tl.load(keys_at + channel, mask=used[:, None], other=0.0).to(tl.float64)
            total += tl.sum(q * k, axis=1)
    tl.store(products + pair, total, mask=used)
