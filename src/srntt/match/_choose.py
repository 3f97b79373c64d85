"""Which matcher to use: by the time that each is predicted to take."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from srntt.errors import InputError
from srntt.match._fast import fast_match_bytes
from srntt.match._matchers import MATCHERS, Sizes

_WORTH = 3.0  # times that fast matching must be quicker to be chosen: less does not pay for giving up exactness


@dataclass(frozen=True)
class MatcherChoice:
    """What was chosen, and why.

    Attributes:
        matcher: its name in the table.
        exact_seconds: How long exact matching is predicted to take.
        fast_seconds: How long fast matching is.
        reason: For people.
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
    if patch not in (1, 3) or not key_positions or min(query_positions, channels, threads, *key_positions) < 1:
        raise InputError(
            f"query_positions={query_positions}, key_positions={list(key_positions)}, channels={channels}, "
            f"patch={patch}, threads={threads}: counts are at least 1, and patch is 1 or 3."
        )
    sizes = Sizes(query_positions, tuple(key_positions), channels, patch)
    exact, fast = (MATCHERS[name].seconds(sizes, threads) for name in ("exact", "fast"))
    if refusal := MATCHERS["fast"].refusal(torch.device(device)):
        return MatcherChoice("exact", exact, fast, f"exact matching: {refusal}")
    needed = fast_match_bytes(query_positions, key_positions, channels, patch, threads)
    if memory is not None and memory < needed:
        lacking = f"fast matching takes {needed / 1e6:.0f} MB of the {memory / 1e6:.0f} there are"
        return MatcherChoice("exact", exact, fast, f"exact matching: {lacking}")
    chosen = "fast" if fast * _WORTH < exact else "exact"
    predicted = f"predicted {exact:.2g} s exact, {fast:.2g} s fast on the CPU"
    return MatcherChoice(chosen, exact, fast, f"{chosen} matching: {predicted}")
