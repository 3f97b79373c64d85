"""Exact dense matching (Eq. 1-3 of the paper): every patch of the query against every patch of the references."""

from collections.abc import Iterator, Sequence
from types import ModuleType

import numpy as np
import torch
from torch import Tensor

from srntt._shapes import Float, Int64
from srntt.errors import InputError
from srntt.match import _fused, _pixelwise
from srntt.match._engines import choose_engine
from srntt.match._match import Match
from srntt.match._problem import WIDEST, Block, Problem, make_problem, split
from srntt.match._shortlist import Shortlist, choose
from srntt.match._triton import triton_search

DEFAULT_MEMORY = {"cpu": 64 * 2**20}
_DEVICE_MEMORY = 512 * 2**20
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
    memory = _default_memory(query) if memory is None else memory
    if name == "triton":
        return _match_on_chip(problem, precision, threads, memory)
    module = _fused if name == "fused" else _pixelwise
    _, height, width = query.shape
    best = np.zeros((height, width), np.int64)
    similarity = np.zeros((height, width), np.float32)
    module.tile_for(problem, torch.float64, threads, memory)  # raises before any work if the float64 pass does not fit
    tile = module.tile_for(problem, torch.float32, threads, memory)
    for block in split(problem.centres(query), *tile):
        found = module.shortlist(problem, block, torch.float32, threads, memory)
        _store(problem, block, found, memory, best, similarity)
        crowded = np.zeros((height, width), bool)
        crowded[block.slices] = found.crowded.reshape(block.rows, block.columns)
        _decide(problem, module, block, crowded, threads, memory, best, similarity)
    return matched_at(problem, best, similarity)


def dense_match_bytes(queries: int, keys: Sequence[int], channels: int, patch: int, threads: int) -> int:
    """Return an upper bound of the transient memory of `dense_match` on the CPU by default, in bytes.

    Args:
        queries: Number of positions of the query.
        keys: Number of positions of each key map.
        channels: Number of channels of the features.
        patch: Side of the patches, 1 or 3.
        threads: Number of threads used.
    """
    most = max(queries, *keys)
    largest = torch.empty(channels, -(-most // WIDEST), min(most, WIDEST), device="meta")
    problem = Problem(largest, (largest,), patch, 0)
    workspace = _fused.workspace_bytes(problem, torch.float64, threads, DEFAULT_MEMORY["cpu"])
    return workspace + queries * _LOCATED


def _match_on_chip(problem: Problem, precision: str, threads: int, memory: int) -> Match:
    """Match with the Triton engine, and the positions it leaves undecided with the torch engine in float64."""
    found = triton_search(problem, precision)
    centres = problem.centres(problem.query)
    best, similarity, crowded = (
        values.new_zeros(problem.query.shape[1:]) for values in (found.best, found.similarity, found.crowded)
    )
    for whole, inside in ((best, found.best), (similarity, found.similarity), (crowded, found.crowded)):
        whole[centres.slices] = inside
    if found.crowded.any():
        best, similarity = best.cpu(), similarity.cpu()
        _decide(problem, _pixelwise, centres, crowded.cpu().numpy(), threads, memory, best.numpy(), similarity.numpy())
    return _located(problem, best, similarity)


def _default_memory(query: Tensor) -> int:
    return DEFAULT_MEMORY.get(query.device.type, _DEVICE_MEMORY)


def _store(
    problem: Problem, block: Block, found: Shortlist, memory: int, best: np.ndarray, similarity: np.ndarray,
    only: np.ndarray | bool = True,
) -> None:  # fmt: skip
    """Store the winners of a block, optionally of the positions marked in `only`."""
    for target, values in zip((best, similarity), choose(problem, block, found, memory), strict=True):
        np.copyto(target[block.slices], values.reshape(block.rows, block.columns), where=only)


def _decide(
    problem: Problem, module: ModuleType, block: Block, crowded: np.ndarray, threads: int, memory: int,
    best: np.ndarray, similarity: np.ndarray,
) -> None:  # fmt: skip
    """Search the crowded positions of a block again, in float64."""
    for part in _crowded_parts(block, crowded, module.tile_for(problem, torch.float64, threads, memory)):
        again = module.shortlist(problem, part, torch.float64, threads, memory)
        _store(problem, part, again, memory, best, similarity, crowded[part.slices])


def _crowded_parts(block: Block, crowded: np.ndarray, tile: tuple[int, int]) -> Iterator[Block]:
    """Yield the runs of rows that contain a crowded position, split into tiles."""
    rows = crowded[block.slices].any(axis=1)
    edges = np.flatnonzero(np.diff(rows, prepend=False, append=False)).tolist()
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        yield from split(Block(block.top + start, block.top + end, block.left, block.right), *tile)


def matched_at(problem: Problem, best: np.ndarray, similarity: np.ndarray) -> Match:
    return _located(problem, torch.from_numpy(best), torch.from_numpy(similarity))


def _located(problem: Problem, best: Int64[Tensor, "h w"], similarity: Float[Tensor, "h w"]) -> Match:
    """Convert the indices of the winners to positions within their maps, and fill the frame from inside."""
    device, frame = problem.query.device, problem.frame
    best, similarity = best.to(device), similarity.to(device)
    y, x = (torch.arange(size, device=device).clamp(frame, size - 1 - frame) for size in best.shape)
    best, similarity = best[y[:, None], x], similarity[y[:, None], x]
    starts = torch.tensor(problem.key_starts, device=device)
    reference = torch.searchsorted(starts, best, right=True) - 1
    widths = torch.tensor([key.shape[2] for key in problem.keys], device=device)[reference]
    within = best - starts[reference]
    return Match.at(reference, within // widths, within % widths, similarity, frame)
