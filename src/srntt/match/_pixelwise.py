"""Torch engine: identity (a) in whole-tile operations, on any device."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from srntt._shapes import Float, Int64
from srntt.match._problem import Block, Problem, empty_norm, scale_for, split
from srntt.match._shortlist import Shortlist, rounding_margin

_CAPACITY = 8
_Found = tuple[Int64[Tensor, " _"], Int64[Tensor, " _"], Float[Tensor, " _"]]  # query position, key, score


def tile_bytes(problem: Problem, size: int, threads: int, rows: int, columns: int) -> int:
    """Return the memory for two tiles of this shape, their products and sums, and the candidates."""
    pixels = (rows + 2 * problem.reach) * (columns + 2 * problem.reach)
    return 3 * pixels**2 * size + pixels * (6 * problem.channels * size + 160 * _CAPACITY)


def shortlist(problem: Problem, block: Block, dtype: torch.dtype, threads: int, tile: tuple[int, int]) -> Shortlist:
    """Find the candidates of all positions of one query tile among all keys, in tiles of these rows and columns."""
    query = _tile(problem, problem.query, block, problem.query_peak, dtype)
    norm = _patch_norms(query, problem.reach)
    empty = norm <= empty_norm(problem.query_peak)
    tolerance = (norm * rounding_margin(problem.channels, dtype)).to(query)
    best = torch.where(empty, torch.inf, -torch.inf).to(query)
    dropped = torch.full_like(best, -torch.inf)
    nothing = torch.zeros(0, dtype=torch.int64, device=query.device)
    found: _Found = (nothing, nothing, best[:0])
    with _full_precision(query.device):
        for number, features in enumerate(problem.keys):
            for part in split(problem.centres(features), *tile):
                scores = _scores(problem, query, number, part)
                best = torch.maximum(best, scores.amax(1))
                position, column, score = _near_best(scores, best - tolerance, dropped)
                y, x = part.top + column // part.columns, part.left + column % part.columns
                key = problem.key_starts[number] + y * features.shape[2] + x
                found = _join(found, (position, key, score), best - tolerance, dropped)
    position, key, score = (values.cpu().numpy() for values in found)
    crowded = dropped >= best - tolerance
    return Shortlist(position, key, score / norm.numpy()[position], crowded.cpu().numpy(), empty.numpy())


def _tile(problem: Problem, features: Tensor, block: Block, peak: float, dtype: torch.dtype) -> Float[Tensor, "c y x"]:
    """Cut a block with its rim, repeating edge pixels outside the map, scaled to values below 1."""
    _, height, width = features.shape
    reach = problem.reach
    device = torch.device("cpu") if features.device.type == "mps" and dtype == torch.float64 else features.device
    rows = torch.arange(block.top - reach, block.bottom + reach, device=features.device).clamp(0, height - 1)
    columns = torch.arange(block.left - reach, block.right + reach, device=features.device).clamp(0, width - 1)
    return features[:, rows[:, None], columns].to(device, dtype) * scale_for(peak)


def _patch_norms(tile: Float[Tensor, "c y x"], reach: int) -> Float[Tensor, " p"]:
    """Compute the norms of the patches of a tile in float64, on the CPU since not every device supports it."""
    squares = (tile if tile.device.type != "mps" else tile.cpu()).double().square().sum(0).cpu()
    if reach:
        squares = squares.unfold(0, 3, 1).unfold(1, 3, 1).sum((-2, -1))
    return squares.flatten().sqrt()


def _scores(problem: Problem, query: Float[Tensor, "c y x"], number: int, part: Block) -> Float[Tensor, "p q"]:
    """Compute Eq. 1 for every pair of patches of a query tile and a key tile."""
    key = _tile(problem, problem.keys[number], part, problem.key_peaks[number], query.dtype)
    norm = _patch_norms(key, problem.reach)
    inverse_norm = torch.where(norm > empty_norm(problem.key_peaks[number]), 1 / norm, 0.0).to(query)
    products = (query.flatten(1).T @ key.flatten(1)).view(*query.shape[1:], *key.shape[1:])
    if problem.reach:
        products = _sum_diagonal(_sum_diagonal(products, 0), 1)
    return products.flatten(0, 1).flatten(1).mul_(inverse_norm)


def _sum_diagonal(products: Float[Tensor, "y x Y X"], axis: int) -> Float[Tensor, "_ _ _ _"]:
    """Sum three neighbours along the `axis` of query and key simultaneously: one pass of identity (a)."""
    queries, keys = (products.shape[n] - 2 for n in (axis, axis + 2))
    taps = [products.narrow(axis, n, queries).narrow(axis + 2, n, keys) for n in range(3)]
    return (taps[0] + taps[1]).add_(taps[2])


def _near_best(scores: Float[Tensor, "p q"], floor: Float[Tensor, " p"], dropped: Float[Tensor, " p"]) -> _Found:
    """Return the pairs that score at least `floor`; if a row has too many, the first ones, recorded in `dropped`."""
    near = scores >= floor[:, None]
    many = (near.sum(1) > _CAPACITY).nonzero()[:, 0]
    if len(many):
        dropped[many] = torch.maximum(dropped[many], scores[many].amax(1))
        for part in many.split(max(1, len(scores) // 4)):
            near[part] &= near[part].cumsum(1, dtype=torch.int32) <= _CAPACITY
    position, column = near.nonzero(as_tuple=True)
    return position, column, scores[position, column]


def _join(found: _Found, new: _Found, floor: Float[Tensor, " p"], dropped: Float[Tensor, " p"]) -> _Found:
    """Merge the candidates that reach `floor`, keeping the lowest keys of a position if there are too many."""
    position, key, score = (torch.cat(pair) for pair in zip(found, new, strict=True))
    near = (score >= floor[position]).nonzero()[:, 0]
    near = near[key[near].argsort()]
    near = near[position[near].argsort(stable=True)]
    position, key, score = position[near], key[near], score[near]
    counts = torch.bincount(position, minlength=len(floor))
    rank = torch.arange(len(position), device=position.device) - (counts.cumsum(0) - counts)[position]
    kept = rank < _CAPACITY
    dropped.scatter_reduce_(0, position[~kept], score[~kept], "amax")
    return position[kept], key[kept], score[kept]


@contextmanager
def _full_precision(device: torch.device) -> Iterator[None]:
    """Compute products in full float32 even if the application enables TF32, bfloat16 or autocast."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.autocast(device.type, enabled=False):
            yield
    finally:
        torch.set_float32_matmul_precision(before)
