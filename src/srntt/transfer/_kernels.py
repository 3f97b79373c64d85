"""Inner loops of swapping on the CPU, compiled by Numba.

Channels are the outer loop, so that the plane being read stays in the cache. Indices are unsigned, because the
wrap-around check of signed ones keeps LLVM from vectorising.
"""

from typing import no_type_check

import numpy as np

from srntt._compile import compiled

_U = np.uintp


@compiled
@no_type_check
def _add_four(plane, taps, shift, count, out, at):
    a = b = c = d = np.float32(0)
    for tap in taps:
        here = tap + shift
        a += plane[here]
        b += plane[here + _U(1)]
        c += plane[here + _U(2)]
        d += plane[here + _U(3)]
    out[at] += a / count
    out[at + _U(1)] += b / count
    out[at + _U(2)] += c / count
    out[at + _U(3)] += d / count


@compiled
@no_type_check
def _add_two(plane, taps, shift, count, out, at):
    a = b = np.float32(0)
    for tap in taps:
        a += plane[tap + shift]
        b += plane[tap + shift + _U(1)]
    out[at] += a / count
    out[at + _U(1)] += b / count


@compiled
@no_type_check
def _add_one(plane, taps, shift, count, out, at):
    total = np.float32(0)
    for tap in taps:
        total += plane[tap + shift]
    out[at] += total / count


@compiled
@no_type_check
def _add_inside(plane, width, ratio, starts, taps, counts, columns, out, out_width, out_top):
    for n in range(counts.size):
        own = taps[starts[n] : starts[n + 1]]
        if own.size == 0:
            continue
        count = counts[n]
        corner = _U(out_top + n // columns * ratio) * out_width + _U(n % columns * ratio)
        for row in range(ratio):
            shift, at, left = _U(row) * width, corner + _U(row) * out_width, ratio
            while left >= 4:
                _add_four(plane, own, shift, count, out, at)
                shift, at, left = shift + _U(4), at + _U(4), left - 4
            if left >= 2:
                _add_two(plane, own, shift, count, out, at)
                shift, at, left = shift + _U(2), at + _U(2), left - 2
            if left == 1:
                _add_one(plane, own, shift, count, out, at)


@compiled
@no_type_check
def _add_outside(plane, ratio, blocks, tops, lefts, counts, columns, out, out_top):
    height, width = plane.shape
    for n in range(blocks.size):
        top, left = out_top + blocks[n] // columns * ratio, blocks[n] % columns * ratio
        for row in range(ratio):
            y = min(max(tops[n] + row, 0), height - 1)
            for column in range(ratio):
                x = min(max(lefts[n] + column, 0), width - 1)
                out[top + row, left + column] += plane[y, x] / counts[blocks[n]]


@compiled
@no_type_check
def add_blocks(values, ratio, starts, taps, blocks, tops, lefts, counts, columns, first, last, out, out_top):
    """Average source blocks of `values` into the blocks of `out`, from row `out_top`, for channels `first` to `last`.

    The sources of block n begin at the flat indices ``taps[starts[n] : starts[n + 1]]`` of a channel's plane. Those
    that reach outside the plane are listed in ``tops, lefts`` where ``blocks`` is n; they repeat its edge pixels.
    """
    width, out_width = _U(values.shape[2]), _U(out.shape[2])
    for channel in range(first, last):
        source, target = values[channel], out[channel]
        _add_inside(source.ravel(), width, ratio, starts, taps, counts, columns, target.ravel(), out_width, out_top)
        _add_outside(source, ratio, blocks, tops, lefts, counts, columns, target, out_top)
