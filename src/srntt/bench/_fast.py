"""Benchmark of fast against exact matching, with its recall: `srntt bench match --fast`."""

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

_ANGLE, _ZOOM = math.radians(7), 1.12  # rotation and scale between the pictures
_NOISE = 0.6  # norm of the difference between corresponding descriptors


def bench_fast(
    *,
    sizes: Sequence[int] = (128, 256, 512),
    channels: int = 64,
    patch: int = 1,
    threads: int = 2,
    features: Sequence[tuple[Float[Tensor, "c h w"], Float[Tensor, "c _ _"]]] | None = None,
) -> dict[str, Any]:
    """Time fast and exact matching of square maps of increasing size, once each, on the CPU.

    The maps are synthetic: unit descriptors, correlated between neighbours, of a picture and of the same picture
    rotated by 7 degrees, scaled by 1.12 and with noise. A quarter of the query has no counterpart. Pass features of
    photographs to measure the recall on them.

    Args:
        sizes: Sides of query and key, in positions, increasing.
        channels: Number of channels of the descriptors.
        patch: Side of the patches, 1 or 3.
        threads: Number of threads of both methods.
        features: Pairs of query and key maps to match instead; `sizes` and `channels` are then ignored.

    Returns:
        ``{"patch", "threads", "first_call_seconds", "cases": [{"query", "key", "channels", "exact_seconds",
        "fast_seconds", "exact_over_fast", "recall", "recall_near", "similarity", "similarity_lost", "chosen",
        "predicted_exact_seconds", "predicted_fast_seconds"}], "growth": {"exact", "fast"}}``. "recall" is the fraction
        of positions where fast matching returns the exact index, "recall_near" where it is within one position in both
        directions. "growth" is the exponent of time over the number of positions between the first and the last case,
        None for a single case.

    Raises:
        InputError: No sizes, a size below 8, or a number of channels or threads below 1.
    """
    if min(channels, threads) < 1:
        raise InputError(f"channels={channels}, threads={threads}: give at least 1 of each.")
    if features is None and (not sizes or min(sizes) < 8):
        raise InputError(f"sizes={tuple(sizes)}: give at least one side, each of at least 8 positions.")
    small = turned_pair(16, channels)
    started = time.perf_counter()
    for method in (fast_match, dense_match):  # compiles, or loads the cached code
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
    """Return how often the indices agree, and the mean loss of similarity."""
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
    """Create descriptors of a picture, a quarter of it replaced, and of its rotated, scaled and noisy copy."""
    generator = torch.Generator().manual_seed(size)
    # The variances of the channels decay like those of the principal axes of the light model's descriptors.
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
