"""Validated matching problem, and its division into tiles that fit the memory."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import torch
from torch import Tensor

from srntt._shapes import Float
from srntt.errors import InputError, MemoryBudgetError

# PAPER: the released code divides by a norm of zero, and NaN then wins the argmax. Here an empty key patch scores 0,
# and an empty query patch has similarity 0.
EMPTY = 2.0**-40
"""A patch is treated as empty (norm zero) if its norm is at most this times the largest value of its map."""

TIE = 1e-12
"""Cosines closer than this are considered equal, because float64 cannot distinguish them; the lowest index wins."""

WIDEST = 126
"""Maximum number of columns of a tile."""

_TILE_COLUMNS = (WIDEST, 62, 30, 14, 6)


@dataclass(frozen=True)
class Sizes:
    """Size of a matching problem.

    Attributes:
        queries: Number of positions of the query.
        keys: Number of positions of each key map.
        channels: Number of channels of the features.
        patch: Side of the patches, 1 or 3.
    """

    queries: int
    keys: tuple[int, ...]
    channels: int
    patch: int


@dataclass(frozen=True)
class Block:
    """A rectangle of patch centres in one map, ``bottom`` and ``right`` exclusive."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def slices(self) -> tuple[slice, slice]:
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def rows(self) -> int:
        return self.bottom - self.top

    @property
    def columns(self) -> int:
        return self.right - self.left


@dataclass(frozen=True)
class Problem:
    """Maps and options of one call.

    Attributes:
        query: Feature map of the query.
        keys: Feature maps of the references.
        patch: Side of the patches, 1 or 3.
        frame: Width of the border that contains no patch centres.
    """

    query: Float[Tensor, "c h w"]
    keys: tuple[Float[Tensor, "c _ _"], ...]
    patch: int
    frame: int

    @property
    def reach(self) -> int:
        """Radius of a patch, in positions."""
        return self.patch // 2

    @property
    def channels(self) -> int:
        return self.query.shape[0]

    @cached_property
    def key_starts(self) -> list[int]:
        """Index of the first position of each key map; positions are numbered consecutively over all maps."""
        return list(accumulate(self.sizes.keys, initial=0))

    @property
    def sizes(self) -> Sizes:
        keys = tuple(key[0].numel() for key in self.keys)
        return Sizes(self.query[0].numel(), keys, self.channels, self.patch)

    @property
    def first_key(self) -> int:
        """Lowest index of a key, the match of an empty query patch."""
        return self.frame * self.keys[0].shape[2] + self.frame

    @cached_property
    def query_peak(self) -> float:
        return _peak(self.query, "query")

    @cached_property
    def key_peaks(self) -> list[float]:
        return [_peak(key, f"keys[{n}]") for n, key in enumerate(self.keys)]

    def centres(self, features: Float[Tensor, "c _ _"]) -> Block:
        """Return the block of all patch centres of a map."""
        _, height, width = features.shape
        return Block(self.frame, height - self.frame, self.frame, width - self.frame)


def make_problem(query: Float[Tensor, "c h w"], keys: Sequence[Tensor], patch: int, border: str) -> Problem:
    """Validate the arguments of matching.

    Raises:
        InputError: Invalid or incompatible shapes, dtypes, devices, values, patch or border.
    """
    if patch not in (1, 3):
        raise InputError(f"patch is {patch!r}; it must be 1 or 3.")
    if border not in ("replicate", "valid"):
        raise InputError(
            f"border is {border!r}; it must be 'replicate' (every position has a match) or 'valid' (as released)."
        )
    keys = list(keys)
    if not keys:
        raise InputError("keys is an empty list; give at least one key map of shape (c, h, w).")
    # PAPER: borders are not specified; "valid" is the frame of the released code, "replicate" matches every position.
    frame = patch // 2 if border == "valid" else 0
    for name, features in [("query", query), *((f"keys[{n}]", key) for n, key in enumerate(keys))]:
        _check_map(name, features, query, 2 * frame + 1)
    problem = Problem(query.detach(), tuple(key.detach() for key in keys), patch, frame)
    _ = problem.query_peak, problem.key_peaks  # raises for values that are not finite, before any work
    return problem


def _check_map(name: str, features: Tensor, query: Tensor, smallest: int) -> None:
    if features.ndim != 3 or features.dtype != torch.float32:
        raise InputError(
            f"{name} is {features.dtype} of shape {tuple(features.shape)}; "
            "feature maps must be torch.float32 of shape (c, h, w)."
        )
    if features.shape[0] != query.shape[0] or features.shape[0] == 0:
        raise InputError(
            f"{name} has {features.shape[0]} channels and query has {query.shape[0]}; they must agree and not be 0. "
            "Take both from the same layer of the same feature extractor."
        )
    if features.device != query.device:
        raise InputError(f"{name} is on {features.device} and query is on {query.device}; move them to one device.")
    if min(features.shape[1:]) < smallest:
        raise InputError(
            f"{name} is {features.shape[1]}x{features.shape[2]} positions; this patch and border require at least "
            f"{smallest}x{smallest}. Give a larger map, or border='replicate', which accepts any size from 1x1."
        )


def _peak(features: Tensor, name: str) -> float:
    """Return the largest absolute value, or 1 for a map of zeros."""
    lowest, highest = (value.item() for value in features.aminmax())
    peak = max(-lowest, highest)
    if not peak < float("inf"):
        raise InputError(f"{name} contains NaN or infinity; features must be finite. Check what produced them.")
    return peak or 1.0


def scale_for(peak: float) -> float:
    """Return the power of two that scales `peak` below 1: products cannot overflow, and scaling is exact."""
    return 2.0 ** max(-126, min(126, -math.frexp(peak)[1]))


def empty_norm(peak: float) -> float:
    """Return the norm up to which a patch of a map scaled by `scale_for(peak)` is treated as empty."""
    return EMPTY * peak * scale_for(peak)


def tile_shape(cost: Callable[[int, int], int], rows: int, columns: int, memory: int) -> tuple[int, int]:
    """Return the largest tile (rows, columns), for query and keys alike, whose `cost` in bytes fits in `memory`.

    Width is maximised first, then height, to reduce the rim that neighbouring tiles compute twice.

    Raises:
        MemoryBudgetError: Not even the smallest tile fits.
    """
    widths = sorted({min(width, columns) for width in _TILE_COLUMNS}, reverse=True)
    for width in widths:
        enough = min(rows, 8) if width != widths[-1] else 1
        if cost(enough, width) <= memory:
            low, high = enough, rows
            while low < high:
                middle = (low + high + 1) // 2
                low, high = (middle, high) if cost(middle, width) <= memory else (low, middle - 1)
            return low, width
    raise MemoryBudgetError(
        f"memory={memory} bytes is too little for matching: the smallest tiles of these maps need "
        f"{cost(1, widths[-1])} bytes. Give at least that, or leave memory=None."
    )


def split(block: Block, rows: int, columns: int) -> Iterator[Block]:
    """Split a block into tiles of at most ``rows x columns`` and nearly equal heights, in row-major order."""
    bands = -(-block.rows // rows)
    height = -(-block.rows // bands)
    for top in range(block.top, block.bottom, height):
        for left in range(block.left, block.right, columns):
            yield Block(top, min(top + height, block.bottom), left, min(left + columns, block.right))
