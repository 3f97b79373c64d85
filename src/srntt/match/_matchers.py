"""Table of matchers: exact and fast matching behind one protocol for planning and running them, and the choice."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from srntt._shapes import Float
from srntt.errors import InputError
from srntt.match._dense import dense_match, dense_match_bytes
from srntt.match._fast import fast_match, fast_match_bytes
from srntt.match._match import Match
from srntt.match._patch_rows import SKETCH, is_sketched
from srntt.match._problem import Sizes
from srntt.match._strips import STRIP, fast_match_strips, strips_bytes
from srntt.match._triton import refusal
from srntt.memory import cuts

# CPU seconds on one core with AVX-512 at 3 GHz; the ratio of exact to fast is similar on other processors.
_EXACT_PRODUCT = 1.6e-11  # per pair of positions and channel
_EXACT_PAIR = {1: 0.26e-9, 3: 1.3e-9}  # per pair of positions: sums, norm, maximum; by patch
_FAST_QUERY = 0.52e-6  # per query position and doubling of the keys
_FAST_KEY = 0.21e-6  # per key position and doubling of the keys
_FAST_AXES = (0.17, 0.9e-4)  # per key map, and per channel of a patch: computing the axes of the projection
_FAST_SKETCH = 1.2e-9  # per position and channel of a patch: projecting
_FAST_COMPARE = 8e-9  # per query position and channel of a patch: comparing candidates in full
_WAITING = 4  # strips in the pipeline of fast matching
_WORTH = 3.0  # speed-up from which fast matching is chosen: a smaller one is not worth giving up exactness

Bands = Iterable[Float[Tensor, "c _ w"]]
Maps = Sequence[Float[Tensor, "c _ _"]]


@runtime_checkable
class Matcher(Protocol):
    """Interface of a matching algorithm."""

    @property
    def name(self) -> str:
        """Name in `MATCHERS`, in options and in results."""
        ...

    @property
    def exact(self) -> bool:
        """Whether the result is the argmax of Eq. 1-3."""
        ...

    def refusal(self, device: torch.device) -> str | None:
        """Return why it does not run on a device, or None if it does."""
        ...

    def seconds(self, sizes: Sizes, threads: int) -> float:
        """Predict the time on the CPU, in seconds."""
        ...

    def bands(self, height: int, rows: int, sizes: Sizes) -> list[tuple[int, int]]:
        """Divide a query of this height into bands (top, bottom) of about `rows` rows, to be searched in order."""
        ...

    def waiting(self, sizes: Sizes) -> int:
        """Return the maximum number of bands that it keeps in addition to the current one."""
        ...

    def bytes(self, sizes: Sizes, threads: int) -> int:
        """Return the transient memory for a band of ``sizes.queries`` positions on the CPU, without the bands kept."""
        ...

    def search(self, bands: Bands, keys: Maps, *, patch: int = 3, border: str = "replicate") -> Iterator[Match]:
        """Yield the match of each band, in order."""
        ...


@dataclass(frozen=True)
class ExactMatcher:
    """Exact matching by `dense_match`, band by band.

    Attributes:
        name: Name in `MATCHERS`.
        engine: Engine of `dense_match`.
    """

    name: str
    engine: str
    exact = True

    def refusal(self, device: torch.device) -> str | None:
        return refusal(device) if self.engine == "triton" else None

    def seconds(self, sizes: Sizes, threads: int) -> float:
        each = sizes.channels * _EXACT_PRODUCT + _EXACT_PAIR[sizes.patch]
        return sum(sizes.queries * m * each for m in sizes.keys) / threads

    def bands(self, height: int, rows: int, sizes: Sizes) -> list[tuple[int, int]]:
        return cuts(height, rows)

    def waiting(self, sizes: Sizes) -> int:
        return 0

    def bytes(self, sizes: Sizes, threads: int) -> int:
        return dense_match_bytes(sizes, threads)

    def search(self, bands: Bands, keys: Maps, *, patch: int = 3, border: str = "replicate") -> Iterator[Match]:
        for query in bands:
            channels, height, width = query.shape
            narrow = patch == 1 and width < height  # positions have no neighbours, and short rows are slow
            grid = query.reshape(channels, width, height) if narrow else query
            found = dense_match(grid, keys, patch=patch, border=border, engine=self.engine)
            yield found.reshaped(height, width) if narrow else found


@dataclass(frozen=True)
class FastMatcher:
    """Fast matching by `fast_match`.

    Short descriptors in a single key map are matched strip by strip, with the same result. Long descriptors and patches
    are matched all at once, because they are searched by a projection computed from all of them.
    """

    name: str = "fast"
    exact = False

    def refusal(self, device: torch.device) -> str | None:
        return None if device.type == "cpu" else f"fast matching runs on the CPU, not on {device}"

    def seconds(self, sizes: Sizes, threads: int) -> float:
        return sum(_fast_seconds(sizes, keys) for keys in sizes.keys) / threads

    def bands(self, height: int, rows: int, sizes: Sizes) -> list[tuple[int, int]]:
        rows = max(STRIP, rows // STRIP * STRIP) if _in_strips(sizes.channels, sizes.patch) else height
        return [(top, min(height, top + rows)) for top in range(0, height, rows)]

    def waiting(self, sizes: Sizes) -> int:
        return _WAITING if _in_strips(sizes.channels, sizes.patch) else 1

    def bytes(self, sizes: Sizes, threads: int) -> int:
        in_strips = _in_strips(sizes.channels, sizes.patch)
        return strips_bytes(sizes, threads) if in_strips else fast_match_bytes(sizes, threads)

    def search(self, bands: Bands, keys: Maps, *, patch: int = 3, border: str = "replicate") -> Iterator[Match]:
        if _in_strips(keys[0].shape[0], patch) and len(keys) == 1:
            yield from fast_match_strips(bands, keys[0])
            return
        for query in bands:
            yield fast_match(query, keys, patch=patch, border=border)


def _in_strips(channels: int, patch: int) -> bool:
    return patch == 1 and not is_sketched(channels, patch)


def _fast_seconds(sizes: Sizes, keys: int) -> float:
    queries, searched = sizes.queries, min(sizes.channels, SKETCH) / SKETCH
    seconds = (queries * _FAST_QUERY + keys * _FAST_KEY) * math.log2(keys + 1) * max(searched, 0.5)
    if is_sketched(sizes.channels, sizes.patch):
        width = sizes.channels * sizes.patch**2
        seconds += _FAST_AXES[0] + _FAST_AXES[1] * width
        seconds += (queries + keys) * width * _FAST_SKETCH + queries * width * _FAST_COMPARE
    return seconds


#: All matchers by name. ``exact`` uses the fastest engine of the device. To add a matcher, add a line here.
MATCHERS: dict[str, Matcher] = {
    "exact": ExactMatcher("exact", "auto"),
    "triton": ExactMatcher("triton", "triton"),
    "torch": ExactMatcher("torch", "torch"),
    "fast": FastMatcher(),
}


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
    needed = fast_match_bytes(sizes, threads)
    if memory is not None and memory < needed:
        lacking = f"fast matching needs {needed / 1e6:.0f} MB, {memory / 1e6:.0f} MB are available"
        return MatcherChoice("exact", exact, fast, f"exact matching: {lacking}")
    chosen = "fast" if fast * _WORTH < exact else "exact"
    predicted = f"predicted {exact:.2g} s exact, {fast:.2g} s fast on the CPU"
    return MatcherChoice(chosen, exact, fast, f"{chosen} matching: {predicted}")
