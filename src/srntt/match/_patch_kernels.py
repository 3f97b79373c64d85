"""Inner loops on patches at arbitrary positions, compiled by Numba: projection, comparison and propagation."""

from typing import no_type_check

import numpy as np

from srntt._compile import compiled
from srntt.match._kernels import KEY_WIDTH, _panel_product
from srntt.match._tree_kernels import LANES, dot

_CLIMBS = 4
"""Maximum number of single-position steps of hill climbing per sweep."""


@compiled
@no_type_check
def project_patches(pixels, inverse_norm, height, width, reach, centres, basis, out):
    """Project the unit patches around the given centres on a basis ``(panels, taps * channels, panel width)``."""
    channels, panel_width = pixels.shape[1], basis.shape[2]
    panel = np.zeros((basis.shape[1], KEY_WIDTH), np.float32)
    products = np.empty((KEY_WIDTH, panel_width), np.float32)
    for begin in range(0, centres.size, KEY_WIDTH):
        members = centres[begin : min(begin + KEY_WIDTH, centres.size)]
        for n in range(members.size):
            start = 0
            for dy in range(-reach, reach + 1):
                y = min(max(members[n] // width + dy, 0), height - 1)
                for dx in range(-reach, reach + 1):
                    row = pixels[y * width + min(max(members[n] % width + dx, 0), width - 1)]
                    for k in range(channels):
                        panel[start + k, n] = row[k]
                    start += channels
        for block in range(basis.shape[0]):
            _panel_product(panel, basis[block], products)
            for n in range(members.size):
                for k in range(panel_width):
                    out[begin + n, block * panel_width + k] = products[n, k] * inverse_norm[members[n]]


@compiled
@no_type_check
def _cosine(query, key, position, match, lanes):
    """Compute the cosine of the patches around a query and a key position, both row-major indices."""
    pixels, inverse_norm, height, width, reach = query
    key_pixels, key_inverse_norm, key_height, key_width, _ = key
    if reach == 0:
        total = dot(pixels[position], key_pixels[match], lanes)
    else:
        total = np.float32(0.0)
        y, x, key_y, key_x = position // width, position % width, match // key_width, match % key_width
        for dy in range(-reach, reach + 1):
            row = min(max(y + dy, 0), height - 1) * width
            key_row = min(max(key_y + dy, 0), key_height - 1) * key_width
            for dx in range(-reach, reach + 1):
                column = min(max(x + dx, 0), width - 1)
                key_column = min(max(key_x + dx, 0), key_width - 1)
                total += dot(pixels[row + column], key_pixels[key_row + key_column], lanes)
    return total * inverse_norm[position] * key_inverse_norm[match]


@compiled
@no_type_check
def choose_candidates(query, key, centres, candidates, matches, cosines):
    """Match each centre with the best of its candidates (indices of key positions, -1 for none)."""
    lanes = np.empty(LANES, np.float32)
    for n in range(centres.size):
        best, highest = candidates[n, 0], np.float32(-np.inf)
        for slot in range(candidates.shape[1]):
            if candidates[n, slot] >= 0:
                cosine = _cosine(query, key, centres[n], candidates[n, slot], lanes)
                if cosine > highest:
                    best, highest = candidates[n, slot], cosine
        matches[centres[n]], cosines[centres[n]] = best, highest


@compiled
@no_type_check
def _climb(query, key, frame, position, match, cosine, lanes):
    """Move a match to the best of its eight neighbours while the cosine increases."""
    height, width = key[2], key[3]
    for _ in range(_CLIMBS):
        best = match
        for y in range(max(match // width - 1, frame), min(match // width + 2, height - frame)):
            for x in range(max(match % width - 1, frame), min(match % width + 2, width - frame)):
                if y * width + x != match:
                    other = _cosine(query, key, position, y * width + x, lanes)
                    if other > cosine:
                        best, cosine = y * width + x, other
        if best == match:
            break
        match = best
    return match, cosine


@compiled
@no_type_check
def propagate(query, key, frame, top, bottom, number, before, matches, cosines):
    """Propagate the matches of the four neighbours to each position of rows ``top..bottom``, then hill-climb.

    Sweeps of even `number` run down and to the right, odd ones up and to the left. Neighbours outside these rows are
    read from `before`, the matches before the sweep, so that bands of rows can be swept in parallel. ``before`` has one
    more row than the query above and below; -1 marks a position without a match.
    """
    lanes = np.empty(LANES, np.float32)
    width, key_height, key_width = query[3], key[2], key[3]
    for row in range(top, bottom):
        y = row if number % 2 == 0 else bottom - 1 - (row - top)
        for column in range(frame, width - frame):
            x = column if number % 2 == 0 else width - 1 - column
            position = y * width + x
            match, cosine = matches[position], cosines[position]
            for step_y, step_x in ((-1, 0), (0, -1), (0, 1), (1, 0)):
                near_y, near_x = y + step_y, x + step_x
                if not frame <= near_x < width - frame:
                    continue
                near = near_y * width + near_x
                led = matches[near] if top <= near_y < bottom else before[near + width]
                if led < 0:
                    continue
                led_y, led_x = led // key_width - step_y, led % key_width - step_x
                if not (frame <= led_y < key_height - frame and frame <= led_x < key_width - frame):
                    continue
                offered = led_y * key_width + led_x
                if offered != match:
                    other = _cosine(query, key, position, offered, lanes)
                    if other > cosine:
                        match, cosine = offered, other
            if number == 0 or match != before[position + width]:
                match, cosine = _climb(query, key, frame, position, match, cosine, lanes)
            matches[position], cosines[position] = match, cosine
