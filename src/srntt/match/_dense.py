"""Exact dense matching (Eq. 1-3 of the paper): every patch of the query against every patch of the references."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import ModuleType

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from srntt._shapes import Bool, Float, Int64
from srntt.errors import InputError
from srntt.match import _fused, _pixelwise
from srntt.match._engines import choose_engine
from srntt.match._match import Match
from srntt.match._problem import WIDEST, Block, Problem, Sizes, make_problem, split, tile_shape
from srntt.match._shortlist import choose
from srntt.match._triton import triton_search

_CPU_MEMORY, _DEVICE_MEMORY = 64 * 2**20, 512 * 2**20
_LOCATED = 80  # bytes per position while winners are converted to a match


@torch.no_grad()
def dense_match(
    query: Float[Tensor, "c h w"],
    keys: Sequence[Float[Tensor, "_ _ _"]],
    *,
    patch: int = 3,
    memory: int | None = None,
    border: str = "replicate",
    engine: str = "auto",
    precision: str = "fp16",
    threads: int | None = None,
) -> Match:
    """Find the best match of each query patch among the patches of all keys, exactly.

    The score is the inner product with the normalised key patch (Eq. 1), maximised over all patches of all keys
    (Eq. 3). The result is the argmax in float64, with ties (cosines within 1e-12) resolved to the lowest
    (reference, y, x). It does not depend on the engine, the number of threads or the memory, except that `precision`
    matters on CUDA devices. A key patch of zeros scores 0; a query patch of zeros has similarity 0 and the lowest
    index.

    Args:
        query: Features of the upsampled low-res picture, float32.
        keys: Features of the references, float32, each map of any size.
        patch: Side of the patches: 3 as in the paper, or 1 for descriptors with a receptive field of their own.
        memory: Limit on transient memory (all but arguments and result), in bytes. By default 64 MB on the CPU,
            512 MB elsewhere, and as much as needed, O(n + m), for the Triton engine. Less memory is slightly slower.
        border: "replicate" pads query and keys by one repeated pixel, so that every position has a match. "valid"
            considers the centres 1..h-2, 1..w-2 only, as the released code does; positions of the frame repeat the
            nearest match (reference, y, x and similarity), as that code pads its similarity map.
        engine: "fused" (CPU), "triton" (CUDA), "torch" (any device), or "auto" for the fastest available. If Triton is
            missing or fails its self-test, "auto" uses "torch" and logs the reason.
        precision: Multiplication precision of the Triton engine; the other engines use float32. "fp32" and "tf32x3"
            return the argmax in float64. "fp16", "tf32" and "bf16" compare up to eight candidates in float64: the
            result is the argmax wherever its cosine exceeds all others by more than the rounding error of the features.
        threads: Threads of the fused engine; by default `torch.get_num_threads()`.

    Returns:
        The match of each position of the query.

    Raises:
        InputError: Invalid or incompatible shapes, dtypes, devices or options, or features that are not finite.
        MemoryBudgetError: `memory` does not suffice for the smallest tile; the message states the minimum.

    Example:
        >>> import torch
        >>> features = torch.randn(2, 4, 5, generator=torch.Generator().manual_seed(0))
        >>> match = dense_match(features, [torch.zeros(2, 3, 3), features])
        >>> match.reference[2].tolist(), match.y[2].tolist(), match.x[2].tolist()
        ([1, 1, 1, 1, 1], [2, 2, 2, 2, 2], [0, 1, 2, 3, 4])
    """
    problem = make_problem(query, keys, patch, border)
    threads = torch.get_num_threads() if threads is None else threads
    if threads < 1 or (memory is not None and memory < 1):
        raise InputError(f"threads={threads}, memory={memory}: both must be at least 1, or None for the default.")
    name = choose_engine(engine, problem, precision, memory)
    if memory is None:
        memory = _CPU_MEMORY if query.device.type == "cpu" else _DEVICE_MEMORY
    if name == "triton":
        return _match_on_chip(problem, precision, threads, memory)
    best, similarity = np.zeros(query.shape[1:], np.int64), np.zeros(query.shape[1:], np.float32)
    search = _Search(problem, _fused if name == "fused" else _pixelwise, threads, memory, best, similarity)
    search.tile(torch.float64)  # raises before any work if the float64 pass does not fit
    for block in split(problem.centres(query), *search.tile(torch.float32)):
        search.decide(block, search.block(block, torch.float32))
    return located(problem, best, similarity)


def dense_match_bytes(sizes: Sizes, threads: int) -> int:
    """Return an upper bound of the transient memory of `dense_match` on the CPU by default, in bytes."""
    most = max(sizes.queries, *sizes.keys)
    largest = torch.empty(sizes.channels, -(-most // WIDEST), min(most, WIDEST), device="meta")
    problem = Problem(largest, (largest,), sizes.patch, 0)
    tile = _tile_for(_fused, problem, torch.float64, threads, _CPU_MEMORY)
    return _fused.tile_bytes(problem, torch.float64.itemsize, threads, *tile) + sizes.queries * _LOCATED


def _match_on_chip(problem: Problem, precision: str, threads: int, memory: int) -> Match:
    """Match with the Triton engine, and the positions it leaves undecided with the torch engine in float64."""
    found = triton_search(problem, precision)
    best, similarity = (F.pad(values, (problem.frame,) * 4) for values in (found.best, found.similarity))
    if found.crowded.any():
        best, similarity = best.cpu(), similarity.cpu()
        search = _Search(problem, _pixelwise, threads, memory, best.numpy(), similarity.numpy())
        search.decide(problem.centres(problem.query), found.crowded.cpu().numpy())
    return located(problem, best, similarity)


@dataclass(frozen=True, eq=False)
class _Search:
    """Winners of a problem so far, and the engine (`_fused` or `_pixelwise`) and memory that search for them."""

    problem: Problem
    engine: ModuleType
    threads: int
    memory: int
    best: Int64[np.ndarray, "h w"]
    similarity: Float[np.ndarray, "h w"]

    def tile(self, dtype: torch.dtype) -> tuple[int, int]:
        return _tile_for(self.engine, self.problem, dtype, self.threads, self.memory)

    def block(
        self, block: Block, dtype: torch.dtype, only: Bool[np.ndarray, "_ _"] | bool = True
    ) -> Bool[np.ndarray, "_ _"]:
        """Store the winners of the positions of a block that are marked in `only`; return which are crowded."""
        found = self.engine.shortlist(self.problem, block, dtype, self.threads, self.tile(dtype))
        winners = choose(self.problem, block, found, self.memory)
        for target, values in zip((self.best, self.similarity), winners, strict=True):
            np.copyto(target[block.slices], values.reshape(block.rows, block.columns), where=only)
        return found.crowded.reshape(block.rows, block.columns)

    def decide(self, block: Block, crowded: Bool[np.ndarray, "_ _"]) -> None:
        """Search the crowded positions of a block again, in float64: the runs of rows that contain one."""
        edges = np.flatnonzero(np.diff(crowded.any(axis=1), prepend=False, append=False)).tolist()
        for start, end in zip(edges[::2], edges[1::2], strict=True):
            run = replace(block, top=block.top + start, bottom=block.top + end)
            for part in split(run, *self.tile(torch.float64)):
                top, left = part.top - block.top, part.left - block.left
                self.block(part, torch.float64, crowded[top : top + part.rows, left : left + part.columns])


def _tile_for(engine: ModuleType, problem: Problem, dtype: torch.dtype, threads: int, memory: int) -> tuple[int, int]:
    """Return the rows and columns of query and key tiles that fit in `memory` bytes."""
    blocks = [problem.centres(features) for features in (problem.query, *problem.keys)]
    cost = partial(engine.tile_bytes, problem, dtype.itemsize, threads)
    return tile_shape(cost, max(b.rows for b in blocks), max(b.columns for b in blocks), memory)


def located(problem: Problem, best: Tensor | np.ndarray, similarity: Tensor | np.ndarray) -> Match:
    """Convert the indices of the winners to positions within their maps, and fill the frame from inside.

    Args:
        problem: The problem.
        best: Index of the best key for each position of the query, int64, ``(h, w)``.
        similarity: Its cosine, float32, ``(h, w)``.
    """
    device, frame = problem.query.device, problem.frame
    y, x = (torch.arange(size, device=device).clamp(frame, size - 1 - frame) for size in best.shape)
    best, similarity = (torch.as_tensor(each, device=device)[y[:, None], x] for each in (best, similarity))
    starts = torch.tensor(problem.key_starts, device=device)
    reference = torch.searchsorted(starts, best, right=True) - 1
    widths = torch.tensor([key.shape[2] for key in problem.keys], device=device)[reference]
    within = best - starts[reference]
    return Match.at(reference, within // widths, within % widths, similarity, frame)
