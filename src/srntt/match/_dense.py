"""Dense matching, the paper's Eq. 1-3: every patch of the query against every patch of the references."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from srntt._shapes import Float
from srntt.errors import InputError
from srntt.match import _fused, _pixelwise
from srntt.match._correspondence import Correspondence
from srntt.match._problem import Block, Problem, make_problem, split
from srntt.match._shortlist import Shortlist, choose

DEFAULT_MEMORY = {"cpu": 64 * 2**20}
_DEVICE_MEMORY = 512 * 2**20
_Engine = Callable[[Problem, Block, torch.dtype, int, int], Shortlist]


@torch.no_grad()
def dense_match(
    query: Float[Tensor, "c h w"],
    keys: Sequence[Float[Tensor, "_ _ _"]],
    *,
    patch: int = 3,
    memory: int | None = None,
    border: str = "replicate",
    engine: str = "auto",
    threads: int | None = None,
) -> Correspondence:
    """Find for each patch of the query the best patch among all keys, exactly.

    The score is the inner product with the normalised key patch (Eq. 1); all patches of all keys compete in one argmax
    (Eq. 3). The patch returned is the argmax in float64, equal scores (cosines within 1e-12) to the lowest
    (reference, y, x), whatever the engine, the number of threads and the memory. A patch of zeros scores 0
    as a key; as a query it has similarity 0 and the lowest index.

    Args:
        query: Features of the upsampled low-res picture, float32.
        keys: Features of the references, float32, of any sizes.
        patch: 3 as the paper, or 1 for descriptors that already see their surroundings.
        memory: Bytes of transient memory (everything but arguments and result); by default 64 MB on the CPU and 512 MB
            elsewhere. Less is slower, by little.
        border: "replicate" repeats the outermost pixels of query and keys by one, so that every position has a match of
            its own. "valid" considers centres 1..h-2, 1..w-2 only, as the released code does, and repeats the outermost
            match (its reference, y, x and similarity, unchanged) at the frame, as that code pads its similarity map.
        engine: "fused" (CPU), "torch" (any device), or "auto", the faster one that the device has.
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
    search, tile_for = choose_engine(engine, query)
    memory = _default_memory(query) if memory is None else memory
    threads = torch.get_num_threads() if threads is None else threads
    if threads < 1 or memory < 1:
        raise InputError(f"threads={threads}, memory={memory}: both are counts of at least 1, or None for the default.")
    fine_tile, tile = (tile_for(problem, dtype, threads, memory) for dtype in (torch.float64, torch.float32))
    _, height, width = query.shape
    best = np.zeros((height, width), np.int64)
    similarity = np.zeros((height, width), np.float32)
    for block in split(problem.centres(query), *tile):
        found = search(problem, block, torch.float32, threads, memory)
        _store(problem, block, found, memory, best, similarity)
        crowded = np.zeros((height, width), bool)
        crowded[block.slices] = found.crowded.reshape(block.rows, block.columns)
        for part in _crowded_parts(block, crowded, fine_tile):
            again = search(problem, part, torch.float64, threads, memory)
            _store(problem, part, again, memory, best, similarity, crowded[part.slices])
    return _correspondence(problem, best, similarity)


def choose_engine(
    name: str, query: Tensor
) -> tuple[_Engine, Callable[[Problem, torch.dtype, int, int], tuple[int, int]]]:
    on_cpu = query.device.type == "cpu"
    if name not in ("auto", "fused", "torch"):
        raise InputError(f"engine is {name!r}; give 'auto', 'fused' or 'torch'.")
    if name == "fused" and not on_cpu:
        raise InputError(f"engine='fused' runs on the CPU and the features are on {query.device}; use engine='torch'.")
    module = _fused if on_cpu and name != "torch" else _pixelwise
    return module.shortlist, module.tile_for


def _default_memory(query: Tensor) -> int:
    return DEFAULT_MEMORY.get(query.device.type, _DEVICE_MEMORY)


def _store(
    problem: Problem, block: Block, found: Shortlist, memory: int, best: np.ndarray, similarity: np.ndarray,
    only: np.ndarray | bool = True,
) -> None:  # fmt: skip
    """Write the winners of a block, or of its positions marked in `only`."""
    for target, values in zip((best, similarity), choose(problem, block, found, memory), strict=True):
        np.copyto(target[block.slices], values.reshape(block.rows, block.columns), where=only)


def _crowded_parts(block: Block, crowded: np.ndarray, tile: tuple[int, int]) -> Iterator[Block]:
    """Runs of rows with a crowded position, cut to tiles."""
    rows = crowded[block.slices].any(axis=1)
    edges = np.flatnonzero(np.diff(rows, prepend=False, append=False)).tolist()
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        yield from split(Block(block.top + start, block.top + end, block.left, block.right), *tile)


def _correspondence(problem: Problem, best: np.ndarray, similarity: np.ndarray) -> Correspondence:
    """Positions of the winners within their maps; the frame filled from inside."""
    frame = problem.frame
    if frame:
        inside = (slice(frame, -frame), slice(frame, -frame))
        best, similarity = (np.pad(values[inside], frame, mode="edge") for values in (best, similarity))
    starts = np.array(problem.key_starts)
    reference = np.searchsorted(starts, best, side="right") - 1
    widths = np.array([key.shape[2] for key in problem.keys])
    y, x = np.divmod(best - starts[reference], widths[reference])
    device = problem.query.device
    maps = [torch.from_numpy(values).to(device) for values in (reference, y, x, similarity)]
    return Correspondence(*maps, frame=frame)
