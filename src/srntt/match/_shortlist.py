"""Exact argmax from scores with rounding errors.

Engines multiply in float32, and rounding may reverse the order of two patches with nearly equal scores. An engine
therefore returns all keys whose score is within twice the maximum error of the best. On photographs this is a single
key for 99 positions of 100. Otherwise the cosine in float64 decides, with ties resolved to the lowest index. If the
shortlist of a position overflows (many near-copies of a patch), the engine searches it again in float64.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from srntt._shapes import Bool, Float, Int64
from srntt.match._problem import EMPTY, TIE, Block, Problem


def rounding_margin(channels: int, dtype: torch.dtype) -> float:
    """Return how far below the computed best the computed score of the true best may be.

    Worst case, in both directions: half an ulp of the sum of absolute products for each of the ``channels`` steps of
    the longest chain of additions, for the 4 sums of the two separable passes, for the norm, and for the product with
    the norm.
    """
    unit = torch.finfo(dtype).eps / 2
    return 2 * (channels + 8) * unit * 1.01 + TIE


@dataclass(frozen=True, eq=False)
class Shortlist:
    """Candidates of the positions of one block, in no particular order.

    Attributes:
        position: Row-major index of the query position within the block.
        key: Index of the key position over all maps.
        cosine: Cosine as computed by the engine, converted to float64.
        crowded: For each position of the block, whether it had more candidates than were kept.
        empty: For each position of the block, whether its query patch is zero; it then has no candidates.
    """

    position: Int64[np.ndarray, " n"]
    key: Int64[np.ndarray, " n"]
    cosine: Float[np.ndarray, " n"]
    crowded: Bool[np.ndarray, " p"]
    empty: Bool[np.ndarray, " p"]


def choose(
    problem: Problem, block: Block, shortlist: Shortlist, memory: int
) -> tuple[Int64[np.ndarray, " p"], Float[np.ndarray, " p"]]:
    """Return the best key of each position of `block`, the lowest of equal ones, and its cosine."""
    size = block.rows * block.columns
    position, key, cosine = shortlist.position, shortlist.key, shortlist.cosine.copy()
    contested = (np.bincount(position, minlength=size)[position] > 1) & ~shortlist.crowded[position]
    if contested.any():
        cosine[contested] = _exact_cosines(problem, block, position[contested], key[contested], memory)
    highest = np.full(size, -np.inf)
    np.maximum.at(highest, position, cosine)
    winning = cosine >= highest[position] - TIE
    lowest = np.full(size, np.iinfo(np.int64).max)
    np.minimum.at(lowest, position[winning], key[winning])
    lowest[shortlist.empty] = problem.first_key
    highest[shortlist.empty] = 0.0
    return lowest, highest.clip(-1.0, 1.0).astype(np.float32)


def _exact_cosines(
    problem: Problem, block: Block, position: Int64[np.ndarray, " n"], key: Int64[np.ndarray, " n"], memory: int
) -> Float[np.ndarray, " n"]:
    """Compute cosines in float64 from the definition."""
    result = np.zeros(len(position))
    starts = np.array(problem.key_starts)
    reference = np.searchsorted(starts, key, side="right") - 1
    at_once = max(1, memory // (problem.channels * problem.patch**2 * 48))
    for number in np.unique(reference).tolist():
        features = problem.keys[number]
        members = np.flatnonzero(reference == number)
        for part in np.split(members, range(at_once, len(members), at_once)):
            keys = _patches(features, *np.divmod(key[part] - starts[number], features.shape[2]), problem.reach)
            row, column = np.divmod(position[part], block.columns)
            query = _patches(problem.query, block.top + row, block.left + column, problem.reach)
            key_norm = np.linalg.norm(keys, axis=0)
            filled = key_norm > EMPTY * problem.key_peaks[number]
            norms = np.where(filled, np.linalg.norm(query, axis=0) * key_norm, 1.0)
            result[part] = np.where(filled, (query * keys).sum(axis=0) / norms, 0.0)
    return result


def _patches(
    features: Float[Tensor, "c h w"], y: Int64[np.ndarray, " n"], x: Int64[np.ndarray, " n"], reach: int
) -> Float[np.ndarray, "d n"]:
    """Return the patches around the given centres as columns, in float64, repeating edge pixels outside the map."""
    channels, height, width = features.shape
    taps = np.arange(-reach, reach + 1)[:, None]
    rows = torch.from_numpy((y + taps).clip(0, height - 1)).to(features.device)
    columns = torch.from_numpy((x + taps).clip(0, width - 1)).to(features.device)
    patches = features[:, rows[:, None], columns]
    return patches.cpu().numpy().astype(np.float64).reshape(channels * len(taps) ** 2, len(y))
