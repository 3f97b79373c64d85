"""Dense matching, the paper's Eq. 1-3: every patch of the query against every patch of the references."""

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
_LOCATED = 80  # bytes of a position on the way from the winners to the match


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
    """Find for each patch of the query the best patch among all keys, exactly.

    The score is the inner product with the normalised key patch (Eq. 1); all patches of all keys compete in one argmax
    (Eq. 3). The patch returned is the argmax in float64, equal scores (cosines within 1e-12) to the lowest
    (reference, y, x), whatever the engine, the number of threads and the memory, with one exception: on CUDA devices
    `precision` decides. A patch of zeros scores 0 as a key; as a query it has similarity 0 and the lowest index.

    Args:
        query: Features of the upsampled low-res picture, float32.
        keys: Features of the references, float32, of any sizes.
        patch: 3 as the paper, or 1 for descriptors that already see their surroundings.
        memory: Bytes of transient memory (everything but arguments and result); by default 64 MB on the CPU and 512 MB
            elsewhere, and for the Triton engine what it needs, which grows as n + m. Less is slower, by little.
        border: "replicate" repeats the outermost pixels of query and keys by one, so that every position has a match of
            its own. "valid" considers centres 1..h-2, 1..w-2 only, as the released code does, and repeats the outermost
            match (its reference, y, x and similarity, unchanged) at the frame, as that code pads its similarity map.
        engine: "fused" (CPU), "triton" (CUDA devices), "torch" (any device), or "auto", the fastest one that the device
            has. Where Triton is absent or fails its trial, "auto" takes "torch" and logs why.
        precision: What the Triton engine multiplies in; the others know float32 alone. "fp32" and "tf32x3" give the
            argmax in float64. "fp16", "tf32" and "bf16" compare up to eight candidates in float64, so that theirs is
            the argmax wherever its cosine exceeds all others by more than rounding the features can move it.
        threads: Threads of the fused engine; by default torch's number.

    Returns:
        The match of every position of the query.

    Raises:
        InputError: Shapes, types, devices or options that do not fit, or features that are not finite.
        MemoryBudgetError: `memory` is too little for even the smallest tile; the text says how much is enough.

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
        raise InputError(f"threads={threads}, memory={memory}: both are counts of at least 1, or None for the default.")
    name = choose_engine(engine, problem, precision, memory)
    memory = _default_memory(query) if memory is None else memory
    if name == "triton":
        return _match_on_chip(problem, precision, threads, memory)
    module = _fused if name == "fused" else _pixelwise
    _, height, width = query.shape
    best = np.zeros((height, width), np.int64)
    similarity = np.zeros((height, width), np.float32)
    module.tile_for(problem, torch.float64, threads, memory)  # refuses what could not be decided, before any work
    tile = module.tile_for(problem, torch.float32, threads, memory)
    for block in split(problem.centres(query), *tile):
        found = module.shortlist(problem, block, torch.float32, threads, memory)
        _store(problem, block, found, memory, best, similarity)
        crowded = np.zeros((height, width), bool)
        crowded[block.slices] = found.crowded.reshape(block.rows, block.columns)
        _decide(problem, module, block, crowded, threads, memory, best, similarity)
    return matched_at(problem, best, similarity)


def dense_match_bytes(queries: int, keys: Sequence[int], channels: int, patch: int, threads: int) -> int:
    """Transient memory that `dense_match` takes at most on the CPU by its default; less than that where maps are small.

    Args:
        queries: positions of the query.
        keys: of each key map.
        channels: of the features.
        patch: 3 or 1.
        threads: that work.
    """
    most = max(queries, *keys)
    largest = torch.empty(channels, -(-most // WIDEST), min(most, WIDEST), device="meta")
    problem = Problem(largest, (largest,), patch, 0)
    workspace = _fused.workspace_bytes(problem, torch.float64, threads, DEFAULT_MEMORY["cpu"])
    return workspace + queries * _LOCATED


def _match_on_chip(problem: Problem, precision: str, threads: int, memory: int) -> Match:
    """With the Triton engine; what it leaves open, in float64 with the torch engine."""
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
    """Write the winners of a block, or of its positions marked in `only`."""
    for target, values in zip((best, similarity), choose(problem, block, found, memory), strict=True):
        np.copyto(target[block.slices], values.reshape(block.rows, block.columns), where=only)


def _decide(
    problem: Problem, module: ModuleType, block: Block, crowded: np.ndarray, threads: int, memory: int,
    best: np.ndarray, similarity: np.ndarray,
) -> None:  # fmt: skip
    """Search for the crowded positions of a block again, in float64."""
    for part in _crowded_parts(block, crowded, module.tile_for(problem, torch.float64, threads, memory)):
        again = module.shortlist(problem, part, torch.float64, threads, memory)
        _store(problem, part, again, memory, best, similarity, crowded[part.slices])


def _crowded_parts(block: Block, crowded: np.ndarray, tile: tuple[int, int]) -> Iterator[Block]:
    """Runs of rows with a crowded position, cut to tiles."""
    rows = crowded[block.slices].any(axis=1)
    edges = np.flatnonzero(np.diff(rows, prepend=False, append=False)).tolist()
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        yield from split(Block(block.top + start, block.top + end, block.left, block.right), *tile)


def matched_at(problem: Problem, best: np.ndarray, similarity: np.ndarray) -> Match:
    return _located(problem, torch.from_numpy(best), torch.from_numpy(similarity))


def _located(problem: Problem, best: Int64[Tensor, "h w"], similarity: Float[Tensor, "h w"]) -> Match:
    """Positions of the winners within their maps; the frame filled from inside."""
    device, frame = problem.query.device, problem.frame
    best, similarity = best.to(device), similarity.to(device)
    y, x = (torch.arange(size, device=device).clamp(frame, size - 1 - frame) for size in best.shape)
    best, similarity = best[y[:, None], x], similarity[y[:, None], x]
    starts = torch.tensor(problem.key_starts, device=device)
    reference = torch.searchsorted(starts, best, right=True) - 1
    widths = torch.tensor([key.shape[2] for key in problem.keys], device=device)[reference]
    within = best - starts[reference]
    return Match.at(reference, within // widths, within % widths, similarity, frame)
