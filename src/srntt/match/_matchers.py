"""What matches: the engines behind one protocol, in one table, by which they are chosen, planned and run."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from srntt._shapes import Float
from srntt.match._dense import dense_match, dense_match_bytes
from srntt.match._fast import fast_match, fast_match_bytes
from srntt.match._match import Match
from srntt.match._patch_rows import SKETCH, is_sketched
from srntt.match._strips import STRIP, fast_match_strips, strips_bytes
from srntt.match._triton import refusal
from srntt.memory import cuts

# CPU seconds on one core with AVX-512 at 3 GHz; on another processor the ratio of the two is much the same.
_EXACT_PRODUCT = 1.6e-11  # a pair of positions and a channel
_EXACT_PAIR = {1: 0.26e-9, 3: 1.3e-9}  # a pair of positions: sums, norm, maximum
_FAST_QUERY = 0.52e-6  # a query position and a doubling of the keys
_FAST_KEY = 0.21e-6  # a key position and a doubling of the keys
_FAST_AXES = (0.17, 0.9e-4)  # a key map, and a channel of a patch: the axes that patches are projected to
_FAST_SKETCH = 1.2e-9  # a position and a channel of its patch: projecting
_FAST_COMPARE = 8e-9  # a query position and a channel of its patch: comparing its candidates in full
_WAITING = 4  # strips that are on their way through fast matching


@dataclass(frozen=True)
class Sizes:
    """What is matched with what.

    Attributes:
        queries: positions of the query.
        keys: positions of each key map.
        channels: depth of the features.
        patch: side of a patch, 1 or 3.
    """

    queries: int
    keys: tuple[int, ...]
    channels: int
    patch: int


@runtime_checkable
class Matcher(Protocol):
    """A way of finding each query position in the keys."""

    @property
    def name(self) -> str:
        """In the table, in options and results."""
        ...

    @property
    def exact(self) -> bool:
        """It returns the argmax of Eq. 1-3."""
        ...

    def refusal(self, device: torch.device) -> str | None:
        """Why it does not run on a device; None where it does."""
        ...

    def seconds(self, sizes: Sizes, threads: int) -> float:
        """Predicted time, on the CPU."""
        ...

    def bands(self, height: int, rows: int, sizes: Sizes) -> list[tuple[int, int]]:
        """Bands of a query of this height that it takes one after the other, of about so many rows."""
        ...

    def waiting(self, sizes: Sizes) -> int:
        """Bands that it holds at most, beyond the one that it is given."""
        ...

    def bytes(self, sizes: Sizes, threads: int) -> int:
        """Transient memory for a band of ``sizes.queries`` positions on the CPU, beside the bands that it holds."""
        ...

    def search(
        self,
        bands: Iterable[Float[Tensor, "c _ w"]],
        keys: Sequence[Float[Tensor, "c _ _"]],
        *,
        patch: int = 3,
        border: str = "replicate",
    ) -> Iterator[Match]:
        """The matches of each band, in order."""
        ...


@dataclass(frozen=True)
class ExactMatcher:
    """`dense_match`, band by band.

    Attributes:
        name: in the table.
        engine: as `dense_match` takes it.
    """

    name: str
    engine: str
    exact = True

    def refusal(self, device: torch.device) -> str | None:
        """The Triton engine runs on GPUs."""
        return refusal(device) if self.engine == "triton" else None

    def seconds(self, sizes: Sizes, threads: int) -> float:
        """Grows as n m c."""
        each = sizes.channels * _EXACT_PRODUCT + _EXACT_PAIR[sizes.patch]
        return sum(sizes.queries * m * each for m in sizes.keys) / threads

    def bands(self, height: int, rows: int, sizes: Sizes) -> list[tuple[int, int]]:
        """Of any size."""
        return cuts(height, rows)

    def waiting(self, sizes: Sizes) -> int:
        """None."""
        return 0

    def bytes(self, sizes: Sizes, threads: int) -> int:
        """What `dense_match` takes by default, or less where the maps are small."""
        return dense_match_bytes(sizes.queries, sizes.keys, sizes.channels, sizes.patch, threads)

    def search(
        self,
        bands: Iterable[Float[Tensor, "c _ w"]],
        keys: Sequence[Float[Tensor, "c _ _"]],
        *,
        patch: int = 3,
        border: str = "replicate",
    ) -> Iterator[Match]:
        """Each band by itself."""
        for query in bands:
            yield dense_match(query, keys, patch=patch, border=border, engine=self.engine)


@dataclass(frozen=True)
class FastMatcher:
    """`fast_match`: short descriptors in one key map in strips, which give what the whole would; all else as a whole.

    Long descriptors and patches are searched by a projection that is made of all of them.
    """

    name: str = "fast"
    exact = False

    def refusal(self, device: torch.device) -> str | None:
        """It runs on the CPU."""
        return None if device.type == "cpu" else f"fast matching runs on the CPU, not on {device}"

    def seconds(self, sizes: Sizes, threads: int) -> float:
        """Grows as (n + m) log m."""
        return sum(_fast_seconds(sizes.queries, m, sizes.channels, sizes.patch) for m in sizes.keys) / threads

    def bands(self, height: int, rows: int, sizes: Sizes) -> list[tuple[int, int]]:
        """Whole strips, or all at once."""
        rows = max(STRIP, rows // STRIP * STRIP) if _in_strips(sizes.channels, sizes.patch) else height
        return [(top, min(height, top + rows)) for top in range(0, height, rows)]

    def waiting(self, sizes: Sizes) -> int:
        """Strips wait for their neighbours."""
        return _WAITING if _in_strips(sizes.channels, sizes.patch) else 1

    def bytes(self, sizes: Sizes, threads: int) -> int:
        """Of strips, or of all at once."""
        if _in_strips(sizes.channels, sizes.patch):
            return strips_bytes(sizes.queries, sizes.keys, sizes.channels, threads)
        return fast_match_bytes(sizes.queries, sizes.keys, sizes.channels, sizes.patch, threads)

    def search(
        self,
        bands: Iterable[Float[Tensor, "c _ w"]],
        keys: Sequence[Float[Tensor, "c _ _"]],
        *,
        patch: int = 3,
        border: str = "replicate",
    ) -> Iterator[Match]:
        """In a pipeline where there is one key map of short descriptors."""
        if _in_strips(keys[0].shape[0], patch) and len(keys) == 1:
            yield from fast_match_strips(bands, keys[0])
            return
        for query in bands:
            yield fast_match(query, keys, patch=patch, border=border)


def _in_strips(channels: int, patch: int) -> bool:
    return patch == 1 and not is_sketched(channels, patch)


def _fast_seconds(queries: int, keys: int, channels: int, patch: int) -> float:
    doublings = math.log2(keys + 1)
    searched = min(channels, SKETCH) / SKETCH
    seconds = (queries * _FAST_QUERY + keys * _FAST_KEY) * doublings * max(searched, 0.5)
    if is_sketched(channels, patch):
        width = channels * patch**2
        seconds += _FAST_AXES[0] + _FAST_AXES[1] * width
        seconds += (queries + keys) * width * _FAST_SKETCH + queries * width * _FAST_COMPARE
    return seconds


#: ``exact`` takes the fastest engine that the device has. A new matcher is a line here.
MATCHERS: dict[str, Matcher] = {
    "exact": ExactMatcher("exact", "auto"),
    "triton": ExactMatcher("triton", "triton"),
    "torch": ExactMatcher("torch", "torch"),
    "fast": FastMatcher(),
}
