"""Benchmark of exact matching against plain PyTorch: `srntt bench match`."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from torch import Tensor

from srntt._shapes import Float, Int64
from srntt.bench._definition import flat_index, judged, pixel_matmul, random_features, unfold_matmul
from srntt.bench._timing import medians, torch_threads
from srntt.errors import InputError
from srntt.match import dense_match

ENGINES = ("fused", "torch")


def bench_match(
    *,
    query_size: tuple[int, int] = (83, 125),
    key_size: tuple[int, int] = (83, 125),
    references: int = 1,
    channels: Sequence[int] = (256, 64),
    threads: Sequence[int] = (1, 2),
    patch: int = 3,
    repeats: int = 5,
    engines: Sequence[str] = ENGINES,
    check: bool = True,
    features: tuple[Float[Tensor, "c h w"], Float[Tensor, "c _ _"]] | None = None,
) -> dict[str, Any]:
    """Time the engines, unfold + matmul, and the product of the pixels alone, alternating in one run, on the CPU.

    Unfold + matmul is the formula of the paper in PyTorch: all patches as normalised vectors, one product, its maximum.
    The product of the pixels (one torch.matmul with c multiplications for each pair of positions, without sums or
    maximum) is a lower bound for identity (a).

    Args:
        query_size: Height and width of the query, in positions.
        key_size: Height and width of a key map, in positions.
        references: Number of key maps.
        channels: Numbers of channels to measure; the first channels of `features` are used.
        threads: Numbers of threads to measure.
        patch: Side of the patches, 1 or 3.
        repeats: Number of rounds, each of which times every method once; medians are reported.
        engines: Engines to time.
        check: Compare the indices of each engine with the definition in float64 (about 15 s for the default sizes), at
            1024 positions if there are more than 2^27 pairs.
        features: Query and key map to match instead of smooth random ones.

    Returns:
        ``{"patch", "repeats", "first_call_seconds", "cases": [{"channels", "threads", "query", "key", "references",
        "seconds": {method: median}, "fused_over_pixel_matmul", "unfold_matmul_over_fused", "wrong_index": {method:
        count}}]}``. "wrong_index" is the number of positions whose index differs from the definition in float64.

    Raises:
        InputError: A size or a count below 1.
    """
    if min(repeats, references, *query_size, *key_size, *channels, *threads) < 1:
        raise InputError(
            f"repeats={repeats}, references={references}, query_size={query_size}, key_size={key_size}, "
            f"channels={tuple(channels)}, threads={tuple(threads)}: give at least 1 of each."
        )
    made = [random_features(max(channels), size, n) for n, size in enumerate([query_size, *[key_size] * references])]
    query, *keys = features or made
    started = time.perf_counter()
    for engine in engines:  # compiles, or loads the cached code
        _index(query[:2, :9, :9].contiguous(), [keys[0][:2, :9, :9].contiguous()], patch, engine)
    first_call = time.perf_counter() - started
    cases = []
    for depth in channels:
        some = query[:depth].contiguous(), [key[:depth].contiguous() for key in keys]
        finding: dict[str, Callable[[], Any]] = {"unfold_matmul": partial(unfold_matmul, *some, patch)}
        finding |= {engine: partial(_index, *some, patch, engine) for engine in engines}
        wrong = judged(*some, patch, {name: method() for name, method in finding.items()}).wrong if check else {}
        methods = {"unfold_matmul": finding["unfold_matmul"], "pixel_matmul": partial(pixel_matmul, *some), **finding}
        cases += [_case(*some, number, methods, repeats) | {"wrong_index": wrong} for number in threads]
    return {"patch": patch, "repeats": repeats, "first_call_seconds": first_call, "cases": cases}


def _case(
    query: Tensor, keys: list[Tensor], threads: int, methods: dict[str, Callable[[], Any]], repeats: int
) -> dict[str, Any]:
    with torch_threads(threads):
        seconds = medians(methods, repeats)
    sizes = {"query": [*query.shape[1:]], "key": [*keys[0].shape[1:]], "references": len(keys)}
    result = {"channels": len(query), "threads": threads, **sizes, "seconds": seconds}
    if "fused" in seconds:
        result["fused_over_pixel_matmul"] = seconds["fused"] / seconds["pixel_matmul"]
        result["unfold_matmul_over_fused"] = seconds["unfold_matmul"] / seconds["fused"]
    return result


def _index(query: Tensor, keys: list[Tensor], patch: int, engine: str) -> Int64[Tensor, " n"]:
    return flat_index(dense_match(query, keys, patch=patch, engine=engine), keys)
