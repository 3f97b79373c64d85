"""Choice of a matcher by predicted time."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from srntt.errors import InputError
from srntt.match._fast import fast_match_bytes
from srntt.match._matchers import MATCHERS, Sizes

_WORTH = 3.0  # speed-up from which fast matching is chosen: a smaller one is not worth giving up exactness


@dataclass(frozen=True)
class MatcherChoice:
    """Chosen matcher, with the predictions it is based on.

    Attributes:
        matcher: Its name in `MATCHERS`.
        exact_seconds: Predicted time of exact matching.
        fast_seconds: Predicted time of fast matching.
        reason: Explanation for messages.
    """

    matcher: str
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
    """Choose exact matching, unless fast matching is predicted to take less than a third of its time.

    Exact matching takes O(n m c), fast matching O((n + m) log m), so that small problems are matched exactly. Devices
    other than the CPU always match exactly.

    Args:
        query_positions: Number of positions n of the query.
        key_positions: Number of positions m of each key map.
        channels: Number of channels c of the features.
        patch: Side of the patches, 1 or 3.
        threads: Number of threads used for matching.
        memory: Memory available to fast matching, in bytes; None for no limit. Exact matching adapts to any budget.
        device: Device type of the features.

    Raises:
        InputError: A count below 1, or a patch other than 1 and 3.

    Example:
        >>> choose_matcher(83 * 125, [83 * 125], 64, patch=1).matcher
        'exact'
        >>> choose_matcher(512 * 512, [512 * 512], 64, patch=1).matcher
        'fast'
    """
    if patch not in (1, 3) or not key_positions or min(query_positions, channels, threads, *key_positions) < 1:
        raise InputError(
            f"query_positions={query_positions}, key_positions={list(key_positions)}, channels={channels}, "
            f"patch={patch}, threads={threads}: counts must be at least 1, and patch must be 1 or 3."
        )
    sizes = Sizes(query_positions, tuple(key_positions), channels, patch)
    exact, fast = (MATCHERS[name].seconds(sizes, threads) for name in ("exact", "fast"))
    if refusal := MATCHERS["fast"].refusal(torch.device(device)):
        return MatcherChoice("exact", exact, fast, f"exact matching: {refusal}")
    needed = fast_match_bytes(query_positions, key_positions, channels, patch, threads)
    if memory is not None and memory < needed:
        lacking = f"fast matching needs {needed / 1e6:.0f} MB, {memory / 1e6:.0f} MB are available"
        return MatcherChoice("exact", exact, fast, f"exact matching: {lacking}")
    chosen = "fast" if fast * _WORTH < exact else "exact"
    predicted = f"predicted {exact:.2g} s exact, {fast:.2g} s fast on the CPU"
    return MatcherChoice(chosen, exact, fast, f"{chosen} matching: {predicted}")
