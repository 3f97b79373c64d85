"""Triton engine: one kernel for products, sums, norms and maxima, then the best candidates in float64.

Memory is O(n + m): the maps as rows of channels, and a few candidates for each position of the query.
"""

import math
import os
from dataclasses import dataclass
from importlib.util import find_spec
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from srntt._shapes import Bool, Float, Int64
from srntt.match._problem import EMPTY, TIE, Problem, scale_for

EXACT: tuple[str, ...] = ("fp32", "tf32x3")
"""Precisions of the products with which the positions that need float64 are identified reliably."""

ROUNDED: tuple[str, ...] = ("tf32", "fp16", "bf16")

CLASSES = 8
"""Candidates of a query position: the best key of each residue class."""

_QUERIES, _KEYS, _WALK = 128, 128, 16  # queries and keys of a tile; positions that a program walks
_PAIRS = 64  # pairs per program of the re-check
_PROGRAMS = 2  # per multiprocessor
_FP16_SCALE = 2.0**14  # scales the map's peak from below 1 to below 2^14, far from fp16's subnormal numbers
_OPERANDS = {"fp16": torch.float16, "bf16": torch.bfloat16}


class Found(NamedTuple):
    """Best keys of the centres of a query, on its device.

    Attributes:
        best: Index of the key position over all maps.
        similarity: Its cosine.
        crowded: Whether a key that was not compared in float64 might be as good; always False in reduced precision,
            where this is not tracked.
    """

    best: Int64[Tensor, "rows columns"]
    similarity: Float[Tensor, "rows columns"]
    crowded: Bool[Tensor, "rows columns"]


@dataclass(frozen=True, eq=False)
class _Rows:
    """Feature map as rows of channels in row-major order, with ``guard`` rows of zeros before and some after."""

    operand: Tensor  # in the precision of the products
    exact: Float[Tensor, "rows depth"]  # the input, scaled by a power of two
    guard: int
    height: int
    width: int
    norm: Float[Tensor, "height width"]  # of patches, float64; 0 for empty patches and outside patch centres
    error: Float[Tensor, "height width"]  # |rounded - exact| of patches in float64, relative to the norm


def refusal(device: torch.device) -> str | None:
    """Return why this engine does not run on a device, or None if it does."""
    if find_spec("triton") is None:
        return "the package triton is not installed (pip install triton; CUDA builds of PyTorch on Linux include it)"
    if device.type == "cpu" and os.environ.get("TRITON_INTERPRET") == "1":
        return None
    if device.type != "cuda" or torch.version.cuda is None:
        return f"it runs on CUDA devices, and on the CPU for tests with TRITON_INTERPRET=1 set, not on {device}"
    if torch.cuda.get_device_capability(device) < (8, 0):
        return "it needs a GPU of compute capability 8.0 (Ampere) or newer"
    return None


@torch.no_grad()
def triton_search(problem: Problem, precision: str) -> Found:
    """Match all centres of the query; in the EXACT precisions, the argmax in float64 unless ``crowded``."""
    query = _rows(problem, problem.query, problem.query_peak, precision, *_query_room(problem))
    keys = [
        _rows(problem, key, peak, precision, *_key_room(problem, key))
        for key, peak in zip(problem.keys, problem.key_peaks, strict=True)
    ]
    score, index, second = _candidates(problem, query, keys, precision)
    reach = problem.reach
    inside = (slice(reach, query.height - reach), slice(reach, query.width - reach))
    size = query.height * query.width
    centre = torch.arange(size, device=score.device).view(query.height, query.width)[inside].flatten()
    score, index, second = (values[centre] for values in (score, index, second))
    norm, error = query.norm.flatten()[centre], query.error.flatten()[centre]
    tolerance = norm * _margin(problem, precision, error, max(key.error.max().item() for key in keys))
    floor = score.amax(1).double() - tolerance
    wanted = (score.double() >= floor[:, None]) & (norm > 0)[:, None]
    cosine = _cosines(problem, query, keys, centre, norm, index, wanted)
    highest = cosine.amax(1, keepdim=True)
    number = _key_numbers(problem, keys, index)
    best = torch.where(cosine >= highest - TIE, number, torch.iinfo(torch.int64).max).amin(1)
    best = torch.where(norm > 0, best, problem.first_key)
    similarity = torch.where(norm > 0, highest[:, 0].clamp(-1.0, 1.0), 0.0).float()
    crowded = (second.double() >= floor) & (norm > 0)
    shape = (query.height - 2 * reach, query.width - 2 * reach)
    return Found(best.view(shape), similarity.view(shape), crowded.view(shape))


def workspace_bytes(problem: Problem, precision: str) -> int:
    """Return an upper bound of the memory of `triton_search` without its arguments and result, in bytes."""
    depth = _depth(problem.channels)
    rooms = [_query_room(problem), *(_key_room(problem, key) for key in problem.keys)]
    rows = sum(sum(room) for room in rooms) + sum(
        math.prod(n + 2 * problem.reach for n in features.shape[1:]) for features in (problem.query, *problem.keys)
    )
    positions = math.prod(n + 2 * problem.reach for n in problem.query.shape[1:])
    groups = -(-positions // (_QUERIES * _WALK))
    states = (groups + _PROGRAMS * _processors(problem.query.device)) * _QUERIES * _WALK
    rows_bytes = rows * (depth * (4 + 4 + (2 if precision in _OPERANDS else 4)) + 64)
    return rows_bytes + states * CLASSES * 3 * 8 + positions * CLASSES * 64


def _margin(problem: Problem, precision: str, error: Tensor, key_error: float) -> Tensor:
    """Return how far below the computed best the computed score of the true best may be, for each position.

    The change of a cosine by rounding the maps is bounded by the Cauchy-Schwarz inequality, with the actual rounding
    errors of the patches. Additions are assumed to truncate rather than round, as tensor cores do. tf32x3 splits an
    operand into two tf32 numbers; the remainders of both and of their products are at most 3 times 2^-20.
    """
    steps = (2 * problem.reach + 1) * _depth(problem.channels) * (3 if precision == "tf32x3" else 1) + 8
    unit = 2.0**-24 if precision == "fp32" else 2.0**-23
    split = 3 * 2.0**-20 if precision == "tf32x3" else 0.0
    return 2.02 * (error + key_error + error * key_error + split + steps * unit) + TIE


def _rows(problem: Problem, features: Tensor, peak: float, precision: str, guard: int, tail: int) -> _Rows:
    pad = problem.reach - problem.frame
    if pad:
        features = F.pad(features[None], (pad,) * 4, mode="replicate")[0]
    channels, height, width = features.shape
    exact = features.new_zeros((guard + height * width + tail, _depth(channels)))
    scale = scale_for(peak) * (_FP16_SCALE if precision == "fp16" else 1.0)
    body = slice(guard, guard + height * width)
    exact[body, :channels] = features.permute(1, 2, 0).reshape(-1, channels) * scale
    operand = _round(exact, precision)
    norm = _patch_norms(exact[body], height, width, problem.reach)
    error = _patch_norms(exact[body], height, width, problem.reach, operand[body])
    filled = norm > EMPTY * peak * scale
    norm = torch.where(filled, norm, 0.0)
    error = torch.where(filled, error / norm, 0.0)
    return _Rows(operand, exact, guard, height, width, norm, error)


def _round(rows: Float[Tensor, "rows depth"], precision: str) -> Tensor:
    """Round to the precision of the products; tf32 explicitly to nearest, because tensor cores truncate."""
    if precision in _OPERANDS:
        rounded = rows.to(_OPERANDS[precision])
        # Triton's interpreter multiplies the bit patterns of bfloat16 (triton-lang/triton#11584); the values are equal.
        return rounded if rows.is_cuda else rounded.float()
    if precision == "tf32":
        return ((rows.view(torch.int32) + 0x1000) & ~0x1FFF).view(torch.float32)
    return rows


def _patch_norms(
    rows: Float[Tensor, "n depth"], height: int, width: int, reach: int, rounded: Tensor | None = None
) -> Float[Tensor, "height width"]:
    """Compute the norms of patches, or of their rounding errors, in float64; 0 outside patch centres."""
    squares = rows.new_empty(len(rows), dtype=torch.float64)
    for first in range(0, len(rows), 2**14):
        part = rows[first : first + 2**14].double()
        if rounded is not None:
            part -= rounded[first : first + 2**14].double()
        squares[first : first + 2**14] = part.square().sum(1)
    squares = squares.view(height, width)
    if reach:
        squares = F.pad(squares.unfold(0, 3, 1).unfold(1, 3, 1).sum((-2, -1)), (1, 1, 1, 1))
    return squares.sqrt()


def _candidates(
    problem: Problem, query: _Rows, keys: list[_Rows], precision: str
) -> tuple[Float[Tensor, "n classes"], Tensor, Float[Tensor, " n"]]:
    """Return for each query row the best score of each class, its key (row over all maps), and the best one dropped."""
    from srntt.match._triton_kernel import match_kernel

    groups = -(-query.height * query.width // (_QUERIES * _WALK))
    blocks = [-(-(key.height * key.width + _WALK - 1) // _KEYS) for key in keys]
    splits = min(max(blocks), -(-_PROGRAMS * _processors(query.exact.device) // groups))
    states = groups * _QUERIES * _WALK
    shape, device = (splits, states, CLASSES), query.exact.device
    exact, dot_precision = precision in EXACT, precision if precision in ("tf32", "tf32x3") else "ieee"
    best = torch.full(shape, -torch.inf, device=device)
    index = torch.zeros(shape, dtype=torch.int32, device=device)
    second = torch.full(shape if exact else (1, 1, 1), -torch.inf, device=device)
    start = 0
    for key, count in zip(keys, blocks, strict=True):
        match_kernel[(groups, splits)](  # pyright: ignore[reportIndexIssue]
            query.operand, key.operand, *_factors(problem, key), best, index, second,
            query.guard, query.width, key.guard, key.width, start, count, -(-count // splits), states,
            CHANNELS=query.exact.shape[1], BLOCK=_block(query.operand), M=_QUERIES, N=_KEYS, WALK=_WALK,
            CLASSES=CLASSES, REACH=problem.reach, EXACT=exact, PRECISION=dot_precision,
            num_warps=8, num_stages=3, enable_fp_fusion=True,
        )  # fmt: skip
        start += key.height * key.width
    size = query.height * query.width
    highest, split = best[:, :size].max(0)
    kept = index[:, :size].gather(0, split[None])[0].long()
    if not exact:
        return highest, kept, torch.full_like(highest[:, 0], -torch.inf)
    dropped = second[:, :size].amax(0)
    if splits > 1:
        dropped = torch.maximum(dropped, best[:, :size].topk(2, dim=0).values[1])
    return highest, kept, dropped.amax(1)


def _factors(problem: Problem, key: _Rows) -> tuple[Float[Tensor, " rows"], Float[Tensor, " rows"]]:
    """Return the factor and the offset of scores; the offset is minus infinity for rows that are not patch centres."""
    factor, offset = (key.exact.new_full((len(key.exact),), value) for value in (0.0, -torch.inf))
    body = slice(key.guard, key.guard + key.height * key.width)
    factor[body] = torch.where(key.norm > 0, 1 / key.norm, 0.0).float().flatten()
    reach = problem.reach
    offset[body].view(key.height, key.width)[reach : key.height - reach, reach : key.width - reach] = 0.0
    return factor, offset


def _cosines(
    problem: Problem, query: _Rows, keys: list[_Rows], centre: Int64[Tensor, " n"], norm: Float[Tensor, " n"],
    index: Int64[Tensor, "n classes"], wanted: Bool[Tensor, "n classes"],
) -> Float[Tensor, "n classes"]:  # fmt: skip
    """Compute the cosines in float64 of the wanted candidates; minus infinity for the others."""
    from srntt.match._triton_kernel import recheck_kernel

    products = torch.zeros(index.shape, dtype=torch.float64, device=index.device)
    key_norm = torch.cat([key.norm.flatten() for key in keys])[index]
    query_rows = (query.guard + centre)[:, None].expand_as(index).contiguous()
    start, pairs = 0, index.numel()
    for key in keys:
        size = key.height * key.width
        own = wanted & (index >= start) & (index < start + size) & (key_norm > 0)
        recheck_kernel[(-(-pairs // _PAIRS),)](  # pyright: ignore[reportIndexIssue]
            query.exact, key.exact, query_rows, index - start + key.guard, own.to(torch.int8), products,
            query.width, key.width, pairs,
            CHANNELS=query.exact.shape[1], BLOCK=_block(query.exact), PAIRS=_PAIRS, REACH=problem.reach,
            num_warps=4, enable_fp_fusion=True,
        )  # fmt: skip
        start += size
    cosine = torch.where(key_norm > 0, products / (norm[:, None] * key_norm), 0.0)
    return torch.where(wanted, cosine, -torch.inf)


def _key_numbers(problem: Problem, keys: list[_Rows], index: Int64[Tensor, "n classes"]) -> Int64[Tensor, "n classes"]:
    """Convert rows of the padded maps to positions over all maps."""
    pad, number, start = problem.reach - problem.frame, torch.zeros_like(index), 0
    for key, features, first in zip(keys, problem.keys, problem.key_starts, strict=False):
        row = index - start
        y, x = row // key.width - pad, row % key.width - pad
        number = torch.where(row >= 0, first + y * features.shape[2] + x, number)
        start += key.height * key.width
    return number


def _query_room(problem: Problem) -> tuple[int, int]:
    """Return the rows of zeros that the kernel reads before and after a query."""
    rim = problem.reach * (problem.query.shape[2] + 2 * problem.reach + 1)
    return rim, _QUERIES * _WALK + rim


def _key_room(problem: Problem, key: Tensor) -> tuple[int, int]:
    rim = problem.reach * (key.shape[2] + 2 * problem.reach + 1)
    return rim + _WALK - 1, _KEYS + rim + _WALK


def _depth(channels: int) -> int:
    """Return the number of channels, zero-padded to whole blocks of the kernels."""
    return max(16, 1 << (channels - 1).bit_length()) if channels <= 64 else -(-channels // 64) * 64


def _block(rows: Float[Tensor, "rows depth"]) -> int:
    """Return the number of channels that a kernel loads at a time: 128 bytes, or all."""
    return min(rows.shape[1], 128 // rows.element_size())


def _processors(device: torch.device) -> int:
    return torch.cuda.get_device_properties(device).multi_processor_count if device.type == "cuda" else 2
