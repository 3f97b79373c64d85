"""How fast matching compares with exact matching, and what it misses: `srntt bench match --fast`."""

import math
import time
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from srntt._shapes import Float
from srntt.bench._timing import exponent
from srntt.errors import InputError
from srntt.match import Match, choose_matcher, dense_match, fast_match

_ANGLE, _ZOOM = math.radians(7), 1.12  # between the pictures
_NOISE = 0.6  # norm of what differs between the descriptors of one thing in both


def bench_fast(
    *,
    sizes: Sequence[int] = (128, 256, 512),
    channels: int = 64,
    patch: int = 1,
    threads: int = 2,
    features: Sequence[tuple[Float[Tensor, "c h w"], Float[Tensor, "c _ _"]]] | None = None,
) -> dict[str, Any]:
    """Time fast and exact matching of square maps that grow, once each, on the CPU.

    The maps are made: unit descriptors, correlated between neighbours, of a picture and of the same turned by 7
    degrees, 1.12 times larger and noisy. A quarter of the query has no counterpart. Pass features of photographs to
    learn what fast matching misses there.

    Args:
        sizes: Positions of a side, of query and key alike, rising.
        channels: Depth of the descriptors.
        patch: 1 or 3.
        threads: Threads of either.
        features: Query and key maps to match instead, one pair for each size; then `sizes` and `channels` do not count.

    Returns:
        ``{"patch", "threads", "first_call_seconds", "cases": [{"query", "key", "channels", "exact_seconds",
        "fast_seconds", "exact_over_fast", "recall", "recall_near", "similarity", "similarity_lost", "chosen",
        "predicted_exact_seconds", "predicted_fast_seconds"}], "growth": {"exact", "fast"}}``. "recall" is the share of
        positions where fast matching returns the exact index, "recall_near" where it is at most one position off
        across and down; "growth" is the exponent of the number of positions between the first and the last case, None
        for a single case.

    Raises:
        InputError: No size, or one below 8; no channel, or no thread.
    """
    if min(channels, threads) < 1:
        raise InputError(f"channels={channels}, threads={threads}: give at least 1 of each.")
    if features is None and (not sizes or min(sizes) < 8):
        raise InputError(f"sizes={tuple(sizes)}: give at least one side, each of at least 8 positions.")
    small = turned_pair(16, channels)
    started = time.perf_counter()
    for method in (fast_match, dense_match):  # compiles, or loads what was compiled before
        method(small[0], [small[1]], patch=patch, threads=threads)
    first_call = time.perf_counter() - started
    pairs = features if features is not None else (turned_pair(size, channels) for size in sizes)
    cases = [_case(query, key, patch, threads) for query, key in pairs]
    positions = math.prod(cases[0]["query"]), math.prod(cases[-1]["query"])
    growth = {
        name: exponent(positions, (cases[0][f"{name}_seconds"], cases[-1][f"{name}_seconds"]))
        for name in ("exact", "fast")
    }
    return {
        "patch": patch, "threads": threads, "first_call_seconds": first_call, "cases": cases, "growth": growth
    }  # fmt: skip


def _case(query: Tensor, key: Tensor, patch: int, threads: int) -> dict[str, Any]:
    seconds, found = {}, {}
    for name, method in (("fast", fast_match), ("exact", dense_match)):
        started = time.perf_counter()
        found[name] = method(query, [key], patch=patch, threads=threads)
        seconds[name] = time.perf_counter() - started
    channels, *size = query.shape
    choice = choose_matcher(
        math.prod(size), [math.prod(key.shape[1:])], channels, patch=patch, threads=threads, device=query.device.type
    )
    return {
        "query": [*query.shape[1:]],
        "key": [*key.shape[1:]],
        "channels": channels,
        "exact_seconds": seconds["exact"],
        "fast_seconds": seconds["fast"],
        "exact_over_fast": seconds["exact"] / seconds["fast"],
        **_missed(found["exact"], found["fast"]),
        "chosen": choice.matcher,
        "predicted_exact_seconds": choice.exact_seconds,
        "predicted_fast_seconds": choice.fast_seconds,
    }


def _missed(exact: Match, fast: Match) -> dict[str, float]:
    """How often the indices agree, and the similarity that is lost where they do not, over all positions."""
    off = torch.maximum((exact.y - fast.y).abs(), (exact.x - fast.x).abs())
    off[exact.reference != fast.reference] = 2
    similarity = exact.similarity.double().mean().item()
    return {
        "recall": (off == 0).double().mean().item(),
        "recall_near": (off <= 1).double().mean().item(),
        "similarity": similarity,
        "similarity_lost": similarity - fast.similarity.double().mean().item(),
    }


def turned_pair(size: int, channels: int) -> tuple[Float[Tensor, "c h w"], Float[Tensor, "c h w"]]:
    """Descriptors of a picture and of the same one turned, larger, noisy, with a quarter of the first replaced."""
    generator = torch.Generator().manual_seed(size)
    # Variances of the channels fall off as those of the principal axes of the light model's descriptors do.
    spread = (1 + torch.arange(channels) / 6).rsqrt()[:, None, None]
    scene = _smooth(size, spread, generator)[None]
    cosine, sine = math.cos(_ANGLE) / _ZOOM, math.sin(_ANGLE) / _ZOOM
    grid = F.affine_grid(torch.tensor([[[cosine, -sine, 0.0], [sine, cosine, 0.0]]]), [*scene.shape], False)
    key = F.normalize(F.grid_sample(scene, grid, align_corners=False, padding_mode="reflection"), dim=1)[0]
    query = F.normalize(scene, dim=1)[0]
    half = size // 2
    query[:, :half, :half] = F.normalize(_smooth(half, spread, generator), dim=0)
    noise = torch.randn(query.shape, generator=generator) * spread * (_NOISE / spread.norm())
    return F.normalize(query + noise, dim=0), key


def _smooth(size: int, spread: Float[Tensor, "c 1 1"], generator: torch.Generator) -> Float[Tensor, "c h w"]:
    noise = torch.randn(1, len(spread), size + 2, size + 2, generator=generator)
    return F.avg_pool2d(noise, 3, stride=1)[0] * spread
