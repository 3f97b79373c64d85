"""How fast matching is beside what one would write in a line: `srntt bench match`."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from statistics import median
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from srntt._shapes import Float, Int64
from srntt.errors import InputError
from srntt.match._dense import dense_match
from srntt.match._problem import TIE

ENGINES = ("fused", "torch")


def bench_match(
    *,
    query_size: tuple[int, int] = (83, 125),
    key_size: tuple[int, int] = (83, 125),
    channels: Sequence[int] = (256, 64),
    threads: Sequence[int] = (1, 2),
    patch: int = 3,
    repeats: int = 5,
    engines: Sequence[str] = ENGINES,
    check: bool = True,
    features: tuple[Float[Tensor, "c h w"], Float[Tensor, "c _ _"]] | None = None,
) -> dict[str, Any]:
    """Time the engines, unfold + matmul, and the bare product of the pixels, in turn within one run, on the CPU.

    Unfold + matmul is what the paper's formula says in PyTorch: all patches as vectors, the keys normalised, one
    product, its maximum. The bare product of the pixels (one torch.matmul: c multiplications for each pair of
    positions, no sums, no maximum) is the part of identity (a) that cannot be avoided.

    Args:
        query_size: Positions of the query, down and across.
        key_size: Positions of the key map.
        channels: Depths to try; of `features` the first ones are taken.
        threads: Numbers of threads to try.
        patch: 3, or 1.
        repeats: Rounds; each times every method once, and medians are reported.
        engines: Which engines to time.
        check: Compare each engine's index with the definition in float64 (about 15 s for the default sizes).
        features: Query and key maps to match instead of smooth random ones.

    Returns:
        ``{"patch", "repeats", "first_call_seconds", "cases": [{"channels", "threads", "query", "key", "seconds":
        {method: median}, "fused_over_pixel_matmul", "unfold_matmul_over_fused", "wrong_index": {method: count}}]}``;
        "wrong_index" counts positions whose index is not that of the definition in float64.
    """
    if repeats < 1:
        raise InputError(f"repeats={repeats}; give at least 1.")
    query, key = features or (
        _random_features(max(channels), query_size, 0),
        _random_features(max(channels), key_size, 1),
    )
    started = time.perf_counter()
    for engine in engines:  # compiles, or loads what was compiled before
        dense_match(query[:2, :9, :9].contiguous(), [key[:2, :9, :9].contiguous()], engine=engine, patch=patch)
    first_call = time.perf_counter() - started
    cases = []
    for depth in channels:
        some = query[:depth].contiguous(), key[:depth].contiguous()
        methods = _methods(*some, patch, engines)
        wrong = _wrong_index(*some, patch, methods) if check else {}
        cases += [_case(*some, number, methods, repeats) | {"wrong_index": wrong} for number in threads]
    return {"patch": patch, "repeats": repeats, "first_call_seconds": first_call, "cases": cases}


def _case(query: Tensor, key: Tensor, threads: int, methods: dict[str, Callable], repeats: int) -> dict[str, Any]:
    seconds: dict[str, list[float]] = {name: [] for name in methods}
    with _torch_threads(threads):
        for _ in range(repeats):
            for name, method in methods.items():
                started = time.perf_counter()
                method()
                seconds[name].append(time.perf_counter() - started)
    medians = {name: median(values) for name, values in seconds.items()}
    result = {"channels": len(query), "threads": threads, "query": [*query.shape[1:]], "key": [*key.shape[1:]]}
    result["seconds"] = medians
    if "fused" in medians:
        result["fused_over_pixel_matmul"] = medians["fused"] / medians["pixel_matmul"]
        result["unfold_matmul_over_fused"] = medians["unfold_matmul"] / medians["fused"]
    return result


def _methods(query: Tensor, key: Tensor, patch: int, engines: Sequence[str]) -> dict[str, Callable[[], Any]]:
    methods: dict[str, Callable[[], Any]] = {
        "unfold_matmul": partial(_unfold_matmul, query, key, patch),
        "pixel_matmul": partial(_pixel_matmul, query, key),
    }
    return methods | {name: partial(_index, query, key, patch, name) for name in engines}


def _unfold_matmul(query: Tensor, key: Tensor, patch: int) -> Int64[Tensor, " n"]:
    patches = _patches(query, patch).T
    normalised = F.normalize(_patches(key, patch), dim=0)
    return (patches @ normalised).max(1).indices


def _pixel_matmul(query: Tensor, key: Tensor) -> Float[Tensor, "n m"]:
    return query.flatten(1).T @ key.flatten(1)


def _index(query: Tensor, key: Tensor, patch: int, engine: str) -> Int64[Tensor, " n"]:
    match = dense_match(query, [key], patch=patch, engine=engine)
    return (match.y * key.shape[2] + match.x).flatten()


def _patches(features: Float[Tensor, "c h w"], patch: int) -> Float[Tensor, "d n"]:
    return F.unfold(F.pad(features[None], (patch // 2,) * 4, mode="replicate"), patch)[0]


def _wrong_index(query: Tensor, key: Tensor, patch: int, methods: dict[str, Callable]) -> dict[str, int]:
    """Positions at which a method's index is not that of the definition in float64."""
    normalised = F.normalize(_patches(key.double(), patch), dim=0)
    patches = F.normalize(_patches(query.double(), patch), dim=0).T
    true = []
    for part in patches.split(512):
        cosines = part @ normalised
        near = cosines >= cosines.amax(1, keepdim=True) - TIE
        true.append(near.to(torch.uint8).numpy().argmax(axis=1))  # the first of them
    expected = torch.cat([torch.from_numpy(part) for part in true])
    return {name: int((method() != expected).sum()) for name, method in methods.items() if name != "pixel_matmul"}


def _random_features(channels: int, size: tuple[int, int], seed: int) -> Float[Tensor, "c h w"]:
    """Smooth and rectified, as features are."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(1, channels, size[0] + 2, size[1] + 2, generator=generator)
    return F.avg_pool2d(noise, 3, stride=1)[0].relu_()


@contextmanager
def _torch_threads(number: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)
