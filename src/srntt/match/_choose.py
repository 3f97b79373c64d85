"""Which matcher to use: by the time that each is predicted to take."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from srntt.errors import InputError
from srntt.match._fast import fast_match_bytes
from srntt.match._patch_rows import SKETCH, is_sketched

Matcher = Literal["exact", "fast"]

_WORTH = 3.0  # times that fast matching must be quicker to be chosen: less does not pay for giving up exactness

# CPU seconds on one core with AVX-512 at 3 GHz; on another processor the ratio of the two is much the same.
_EXACT_PRODUCT = 1.6e-11  # a pair of positions and a channel
_EXACT_PAIR = {1: 0.26e-9, 3: 1.3e-9}  # a pair of positions: sums, norm, maximum
_FAST_QUERY = 0.52e-6  # a query position and a doubling of the keys
_FAST_KEY = 0.21e-6  # a key position and a doubling of the keys
_FAST_AXES = (0.17, 0.9e-4)  # a key map, and a channel of a patch: the axes that patches are projected to
_FAST_SKETCH = 1.2e-9  # a position and a channel of its patch: projecting
_FAST_COMPARE = 8e-9  # a query position and a channel of its patch: comparing its candidates in full


@dataclass(frozen=True)
class MatcherChoice:
    """What was chosen, and why.

    Attributes:
        matcher: "exact" (`dense_match`) or "fast" (`fast_match`).
        exact_seconds: How long exact matching is predicted to take.
        fast_seconds: How long fast matching is.
        reason: For people.
    """

    matcher: Matcher
    exact_seconds: float
    fast_seconds: float
    reason: str


def choose_matcher(
    query_positions: int,
    key_positions: Sequence[int],
    channels: int,
    *,
    patch: int = 3,
    threads: int = 1,
    memory: int | None = None,
    device: str = "cpu",
) -> MatcherChoice:
    """Exact matching, unless fast matching is predicted to take less than a third of the time.

    Exact time grows as ``n m c``, fast time as ``(n + m) log m``, so small problems are matched exactly. Other devices
    than the CPU match exactly whatever the size.

    Args:
        query_positions: n, of the query.
        key_positions: m, of each key map.
        channels: Depth of the features.
        patch: 1 or 3.
        threads: Threads that matching will use.
        memory: Bytes that matching may take, if that is limited; exact matching makes do with little.
        device: Type of the device that the features are on.

    Raises:
        InputError: Counts below 1, or a patch that is neither 1 nor 3.

    Example:
        >>> choose_matcher(83 * 125, [83 * 125], 64, patch=1).matcher
        'exact'
        >>> choose_matcher(512 * 512, [512 * 512], 64, patch=1).matcher
        'fast'
    """
    if patch not in _EXACT_PAIR or not key_positions or min(query_positions, channels, threads, *key_positions) < 1:
        raise InputError(
            f"query_positions={query_positions}, key_positions={list(key_positions)}, channels={channels}, "
            f"patch={patch}, threads={threads}: counts are at least 1, and patch is 1 or 3."
        )
    exact = sum(query_positions * m * (channels * _EXACT_PRODUCT + _EXACT_PAIR[patch]) for m in key_positions) / threads
    fast = sum(_fast_seconds(query_positions, m, channels, patch) for m in key_positions) / threads
    if device != "cpu":
        return MatcherChoice("exact", exact, fast, f"exact matching: fast matching runs on the CPU, not on {device}")
    needed = fast_match_bytes(query_positions, key_positions, channels, patch, threads)
    if memory is not None and memory < needed:
        return MatcherChoice(
            "exact",
            exact,
            fast,
            f"exact matching: fast matching takes {needed / 1e6:.0f} MB of the {memory / 1e6:.0f} there are",
        )
    chosen: Matcher = "fast" if fast * _WORTH < exact else "exact"
    return MatcherChoice(
        chosen, exact, fast, f"{chosen} matching: predicted {exact:.2g} s exact, {fast:.2g} s fast on the CPU"
    )


def _fast_seconds(queries: int, keys: int, channels: int, patch: int) -> float:
    doublings = math.log2(keys + 1)
    searched = min(channels, SKETCH) / SKETCH
    seconds = (queries * _FAST_QUERY + keys * _FAST_KEY) * doublings * max(searched, 0.5)
    if is_sketched(channels, patch):
        width = channels * patch**2
        seconds += _FAST_AXES[0] + _FAST_AXES[1] * width
        seconds += (queries + keys) * width * _FAST_SKETCH + queries * width * _FAST_COMPARE
    return seconds
