"""Swapped feature maps M_l: textures of the references, arranged like the query."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from srntt._shapes import Float, Int64
from srntt.errors import InputError
from srntt.match import Match
from srntt.transfer._kernels import add_blocks

_POSITIONS_AT_ONCE = 16_384  # query positions per chunk on the CPU; the index lists of a chunk take about 10 MB

#: VGG19 layers that are swapped, coarsest first.
SWAPPED_LAYERS = ("relu3_1", "relu2_1", "relu1_1")


class SwappedMaps(NamedTuple):
    """Swapped VGG19 feature maps M (Eq. 3), at 1x, 2x and 4x the LR grid."""

    small: Float[Tensor, "b 256 h w"]
    medium: Float[Tensor, "b 128 2*h 2*w"]
    large: Float[Tensor, "b 64 4*h 4*w"]


def swap(
    values: Sequence[Float[Tensor, "c _ _"]],
    match: Match,
    *,
    ratio: int,
    patch: int = 3,
    rows: slice = slice(None),
    columns: slice = slice(None),
) -> Float[Tensor, "c H W"]:
    """Assemble a map from the matched patches of `values`, averaging where they overlap (paper, section 3.1).

    Patches of ``patch * ratio`` pixels are placed at stride `ratio`, and each pixel is divided by the number of patches
    that cover it, 1 to 9. The result is computed block by block, without materialising the patches (identity (b)). A
    patch that extends beyond its map, possible with ``border="replicate"``, repeats the nearest pixel.

    Works on any device and is differentiable with respect to `values`. A compiled path is used on the CPU when no
    gradient is required.

    Args:
        values: One feature map of the reference for each key map that was matched, `ratio` times its size.
        match: Result of `dense_match`.
        ratio: Size of `values` relative to the key maps; 1, 2 and 4 in the paper.
        patch: Size of the patches in query positions: 3, or 1 for blocks without overlap.
        rows: Rows of the query to compute, a slice without step. A tile equals that part of the whole map.
        columns: Columns of the query to compute.

    Returns:
        The swapped map of these rows and columns, at `ratio` times their number.

    Raises:
        InputError: `values`, `match`, `ratio` and `patch` do not fit together, or an empty range of rows or columns.

    Example:
        >>> import torch
        >>> from srntt.match import dense_match
        >>> features = torch.randn(4, 6, 5, generator=torch.Generator().manual_seed(0))
        >>> swapped = swap([features], dense_match(features, [features]), ratio=1)
        >>> bool((swapped - features).abs().max() < 1e-6)
        True
    """
    _check(values, match, ratio, patch)
    height, width = match.similarity.shape
    down, across = _range(rows, height, "rows"), _range(columns, width, "columns")
    first = values[0]
    learns = torch.is_grad_enabled() and any(features.requires_grad for features in values)
    if first.device.type != "cpu" or first.dtype != torch.float32 or learns:
        return _swap_with_torch(values, _taps_of(match, patch, down, across), ratio, len(across))
    swapped = torch.zeros(first.shape[0], len(down) * ratio, len(across) * ratio)
    planes = [features.detach().contiguous().numpy() for features in values]
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        for band in _bands(down, len(across)):
            taps = _taps_of(match, patch, band, across)
            _add_references(planes, taps, ratio, len(across), swapped.numpy(), (band.start - down.start) * ratio, pool)
    return swapped


def _check(values: Sequence[Tensor], match: Match, ratio: int, patch: int) -> None:
    if ratio < 1 or patch not in (1, 3):
        raise InputError(f"ratio={ratio}, patch={patch}: ratio must be at least 1, and patch must be 1 or 3.")
    if not values:
        raise InputError("values is empty; give one map for each key map that was matched.")
    used = int(match.reference.max()) + 1
    if used > len(values):
        raise InputError(f"match refers to {used} references but values has {len(values)} maps; give one for each.")
    for number, features in enumerate(values):
        own = match.position[match.reference == number]
        least = [int(extent) + 1 for extent in own.amax(0)] if len(own) else [1, 1]
        size = features.shape[1:]
        if any(given % ratio or given < ratio * needed for given, needed in zip(size, least, strict=True)):
            raise InputError(
                f"values[{number}] is {size[0]}x{size[1]}; at ratio {ratio} it must be {ratio} times the size of "
                f"key map {number}, which is at least {least[0]}x{least[1]}."
            )
        if features.shape[0] != values[0].shape[0] or features.device != own.device:
            raise InputError(
                f"values[{number}] has {features.shape[0]} channels on {features.device}; all maps must have as many "
                f"channels as values[0] ({values[0].shape[0]}) and be on the device of the match ({own.device})."
            )


def _range(part: slice, size: int, name: str) -> range:
    chosen = range(*part.indices(size))
    if chosen.step != 1 or not chosen:
        raise InputError(f"{name}={part} of {size} is empty or has a step; give a slice such as slice(0, {size}).")
    return chosen


def _bands(rows: range, columns: int) -> Iterator[range]:
    height = max(1, _POSITIONS_AT_ONCE // columns)
    for top in range(rows.start, rows.stop, height):
        yield range(top, min(top + height, rows.stop))


@dataclass(frozen=True, eq=False)
class _Taps:
    """Source blocks averaged into each block of a rectangle of query positions, ordered by position (identity (b)).

    Attributes:
        position: Output block, numbered row by row within the rectangle.
        tap: Index within the patch; each position occurs at most once per tap.
        reference: Index of the source map.
        y: Row of the source block, in positions of the key map; may lie one outside it.
        x: Column of the source block.
        count: Number of sources of each output block, 1 to 9 for 3x3 patches.
    """

    position: Int64[Tensor, " n"]
    tap: Int64[Tensor, " n"]
    reference: Int64[Tensor, " n"]
    y: Int64[Tensor, " n"]
    x: Int64[Tensor, " n"]
    count: Float[Tensor, " p"]


def _taps_of(match: Match, patch: int, rows: range, columns: range) -> _Taps:
    """List the sources of each position: the patches centred up to ``patch // 2`` away.

    The patch centred at (i - dy, j - dx) contributes its tap (dy, dx), the reference block at
    ``match(i - dy, j - dx) + (dy, dx)``, to (i, j). Positions in the frame of the match are not patch centres.
    """
    reach = patch // 2
    frame = min(match.frame, reach)
    height, width = match.similarity.shape
    device = match.similarity.device
    i = torch.arange(rows.start, rows.stop, device=device)[:, None, None, None]
    j = torch.arange(columns.start, columns.stop, device=device)[:, None, None]
    dy = torch.arange(-reach, reach + 1, device=device)[:, None]
    dx = torch.arange(-reach, reach + 1, device=device)
    down, across = torch.broadcast_tensors(i - dy, j - dx)
    covered = (down >= frame) & (down < height - frame) & (across >= frame) & (across < width - frame)
    centre = (down.clamp(0, height - 1), across.clamp(0, width - 1))
    where = covered.flatten().nonzero()[:, 0]
    place = match.position[centre].long()
    taps = patch * patch
    return _Taps(
        position=where // taps,
        tap=where % taps,
        reference=match.reference[centre].flatten()[where].long(),
        y=(place[..., 0] + dy).flatten()[where],
        x=(place[..., 1] + dx).flatten()[where],
        count=covered.flatten(2).sum(-1).flatten().float(),
    )


def _add_references(
    planes: list[np.ndarray],
    taps: _Taps,
    ratio: int,
    columns: int,
    out: np.ndarray,
    top_row: int,
    pool: ThreadPoolExecutor,
) -> None:
    """Add the contributions of each reference to `out`, from `top_row`, with the channels divided among the threads."""
    position, reference, y, x, count = (
        values.numpy() for values in (taps.position, taps.reference, taps.y, taps.x, taps.count)
    )
    cuts = np.unique(np.linspace(0, len(out), torch.get_num_threads() + 1).astype(int)).tolist()
    top, left = y * ratio, x * ratio
    for number in np.unique(reference).tolist():
        plane = planes[number]
        height, width = plane.shape[1:]
        own = reference == number
        inside = own & (top >= 0) & (top < height) & (left >= 0) & (left < width)
        outside = own & ~inside
        starts = np.searchsorted(position[inside], np.arange(len(count) + 1))
        flat = (top[inside] * width + left[inside]).astype(np.uintp)
        lists = (starts, flat, position[outside], top[outside], left[outside])
        jobs = [
            pool.submit(add_blocks, plane, ratio, *lists, count, columns, first, last, out, top_row)
            for first, last in pairwise(cuts)
        ]
        for job in jobs:
            job.result()


def _swap_with_torch(values: Sequence[Tensor], taps: _Taps, ratio: int, columns: int) -> Float[Tensor, "c H W"]:
    """Swap on any device, differentiably; one tap at a time, so that no `index_add_` adds to a block twice."""
    within = torch.arange(ratio, device=values[0].device)
    count = taps.count.to(values[0].dtype)[:, None, None]
    blocks = values[0].new_zeros(values[0].shape[0], len(count), ratio, ratio)
    for number, features in enumerate(values):
        _, height, width = features.shape
        for tap in range(int(taps.tap.max()) + 1):
            own = ((taps.reference == number) & (taps.tap == tap)).nonzero()[:, 0]
            y = (taps.y[own, None, None] * ratio + within[:, None]).clamp(0, height - 1)
            x = (taps.x[own, None, None] * ratio + within).clamp(0, width - 1)
            blocks.index_add_(1, taps.position[own], features[:, y, x])
    blocks = (blocks / count).unflatten(1, (-1, columns))
    return blocks.movedim(3, 2).flatten(3, 4).flatten(1, 2)
