"""Baselines for matchers: the formula of the paper in plain PyTorch, and ground truth in float64."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from srntt._shapes import Float, Int64
from srntt.match import TIE, Match

_AT_ONCE = 2**27  # products held at a time on a CPU; largest number of pairs for which all positions are compared
_AT_ONCE_DEVICE = 2**29
_COMPARED = 1024  # positions compared of a larger problem, and rows of cosines at a time
_CHANNELS = 16  # channels at a time: all patches of a large map do not fit in memory in float64


@dataclass(frozen=True)
class Judgement:
    """Comparison of methods with the definition in float64.

    Attributes:
        compared: Number of positions compared.
        wrong: Number of positions with a wrong index, by method.
        lost: Largest loss of true cosine at a position, by method.
    """

    compared: int
    wrong: dict[str, int]
    lost: dict[str, float]


def random_features(channels: int, size: tuple[int, int], seed: int) -> Float[Tensor, "c h w"]:
    """Create random features that are smooth and rectified, like those of a network."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(1, channels, size[0] + 2, size[1] + 2, generator=generator)
    return F.avg_pool2d(noise, 3, stride=1)[0].relu_()


def unfold_matmul(
    query: Tensor, keys: list[Tensor], patch: int, dtype: torch.dtype = torch.float32
) -> Int64[Tensor, " n"]:
    """Match by one product of all patches as unit vectors and its maximum, in chunks of rows that fit in memory."""
    normalised = torch.cat([F.normalize(_patches(key, patch), dim=0).to(dtype) for key in keys], 1)
    rows = F.normalize(_patches(query, patch), dim=0).to(dtype).T  # fp16 holds no more than 65504
    return torch.cat([(some @ normalised).max(1).indices for some in rows.split(_rows(query, normalised.shape[1]))])


def pixel_matmul(query: Tensor, keys: list[Tensor]) -> None:
    """Compute the product of every pair of positions once and discard it."""
    for key in keys:
        for rows in query.flatten(1).T.split(_rows(query, key[0].numel())):
            torch.mm(rows, key.flatten(1))


def flat_index(match: Match, keys: list[Tensor]) -> Int64[Tensor, " n"]:
    """Convert a match to indices over all positions of the key maps, which have the same size."""
    return (match.reference * keys[0][0].numel() + match.y * keys[0].shape[2] + match.x).flatten()


def judged(query: Tensor, keys: list[Tensor], patch: int, found: Mapping[str, Int64[Tensor, " n"]]) -> Judgement:
    """Compare the indices found by each method at all positions, or a sample of a large problem.

    The correct index is the lowest of those whose cosine is within `TIE` of the maximum.
    """
    count, total = query[0].numel(), sum(key[0].numel() for key in keys)
    chosen = torch.arange(count)
    if count * total > _AT_ONCE:
        chosen = torch.randperm(count, generator=torch.Generator().manual_seed(0))[:_COMPARED]
    chosen = chosen.to(query.device)
    wrong, lost = dict.fromkeys(found, 0), dict.fromkeys(found, 0.0)
    numbers = torch.arange(total, device=query.device)
    for rows in chosen.split(_COMPARED):
        cosines = _cosines(query, keys, patch, rows)
        highest = cosines.amax(1)
        first = torch.where(cosines >= highest[:, None] - TIE, numbers, total).amin(1)
        for name, index in found.items():
            reached = cosines.gather(1, index[rows][:, None])[:, 0]
            wrong[name] += int((first != index[rows]).sum())
            lost[name] = max(lost[name], (highest - reached).max().item())
    return Judgement(len(chosen), wrong, lost)


def _cosines(query: Tensor, keys: list[Tensor], patch: int, rows: Int64[Tensor, " n"]) -> Float[Tensor, "n m"]:
    """Compute the cosines of some query patches with all key patches, in float64."""
    parts = []
    for key in keys:
        products = torch.zeros(len(rows), key[0].numel(), dtype=torch.float64, device=query.device)
        squares, own = products.new_zeros(key[0].numel()), products.new_zeros(len(rows))
        for some_query, some_key in zip(query.split(_CHANNELS), key.split(_CHANNELS), strict=True):
            ours, theirs = _patches(some_query.double(), patch)[:, rows], _patches(some_key.double(), patch)
            products.addmm_(ours.T, theirs)
            squares += theirs.square().sum(0)
            own += ours.square().sum(0)
        parts.append(products / (own[:, None] * squares).sqrt().clamp_min(torch.finfo(torch.float64).tiny))
    return torch.cat(parts, 1)


def _patches(features: Float[Tensor, "c h w"], patch: int) -> Float[Tensor, "d n"]:
    return F.unfold(F.pad(features[None], (patch // 2,) * 4, mode="replicate"), patch)[0]


def _rows(query: Tensor, columns: int) -> int:
    return max(1, (_AT_ONCE if query.device.type == "cpu" else _AT_ONCE_DEVICE) // columns)
