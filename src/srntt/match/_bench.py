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
_AT_ONCE = 2**27  # products held by the methods that fused matching is compared with
_CHECKED = 1024  # positions compared with the definition, of a problem too large to compare all


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
    """Time the engines, unfold + matmul, and the bare product of the pixels, in turn within one run, on the CPU.

    Unfold + matmul is what the paper's formula says in PyTorch: all patches as vectors, the keys normalised, one
    product, its maximum. The bare product of the pixels (one torch.matmul: c multiplications for each pair of
    positions, no sums, no maximum) is the part of identity (a) that cannot be avoided.

    Args:
        query_size: Positions of the query, down and across.
        key_size: Positions of a key map.
        references: Number of key maps, all of one size.
        channels: Depths to try; of `features` the first ones are taken.
        threads: Numbers of threads to try.
        patch: 3, or 1.
        repeats: Rounds; each times every method once, and medians are reported.
        engines: Which engines to time.
        check: Compare each engine's index with the definition in float64 (about 15 s for the default sizes), at 1024
            positions where there are more than 2^27 pairs.
        features: Query and key maps to match instead of smooth random ones.

    Returns:
        ``{"patch", "repeats", "first_call_seconds", "cases": [{"channels", "threads", "query", "key", "references",
        "seconds": {method: median}, "fused_over_pixel_matmul", "unfold_matmul_over_fused", "wrong_index": {method:
        count}}]}``; "wrong_index" counts positions whose index is not that of the definition in float64.

    Raises:
        InputError: A size or a count below 1.
    """
    if min(repeats, references, *query_size, *key_size, *channels, *threads) < 1:
        raise InputError(
            f"repeats={repeats}, references={references}, query_size={query_size}, key_size={key_size}, "
            f"channels={tuple(channels)}, threads={tuple(threads)}: give at least 1 of each."
        )
    made = [_random_features(max(channels), size, n) for n, size in enumerate([query_size, *[key_size] * references])]
    query, *keys = features or made
    started = time.perf_counter()
    for engine in engines:  # compiles, or loads what was compiled before
        dense_match(query[:2, :9, :9].contiguous(), [keys[0][:2, :9, :9].contiguous()], engine=engine, patch=patch)
    first_call = time.perf_counter() - started
    cases = []
    for depth in channels:
        some = query[:depth].contiguous(), [key[:depth].contiguous() for key in keys]
        methods = _methods(*some, patch, engines)
        wrong = _wrong_index(*some, patch, methods) if check else {}
        cases += [_case(*some, number, methods, repeats) | {"wrong_index": wrong} for number in threads]
    return {"patch": patch, "repeats": repeats, "first_call_seconds": first_call, "cases": cases}


def _case(
    query: Tensor, keys: list[Tensor], threads: int, methods: dict[str, Callable], repeats: int
) -> dict[str, Any]:
    seconds: dict[str, list[float]] = {name: [] for name in methods}
    with _torch_threads(threads):
        for _ in range(repeats):
            for name, method in methods.items():
                started = time.perf_counter()
                method()
                seconds[name].append(time.perf_counter() - started)
    medians = {name: median(values) for name, values in seconds.items()}
    sizes = {"query": [*query.shape[1:]], "key": [*keys[0].shape[1:]], "references": len(keys)}
    result = {"channels": len(query), "threads": threads, **sizes, "seconds": medians}
    if "fused" in medians:
        result["fused_over_pixel_matmul"] = medians["fused"] / medians["pixel_matmul"]
        result["unfold_matmul_over_fused"] = medians["unfold_matmul"] / medians["fused"]
    return result


def _methods(query: Tensor, keys: list[Tensor], patch: int, engines: Sequence[str]) -> dict[str, Callable[[], Any]]:
    methods: dict[str, Callable[[], Any]] = {
        "unfold_matmul": partial(_unfold_matmul, query, keys, patch),
        "pixel_matmul": partial(_pixel_matmul, query, keys),
    }
    return methods | {name: partial(_index, query, keys, patch, name) for name in engines}


def _unfold_matmul(query: Tensor, keys: list[Tensor], patch: int) -> Int64[Tensor, " n"]:
    normalised = F.normalize(torch.cat([_patches(key, patch) for key in keys], 1), dim=0)
    rows = _patches(query, patch).T.split(max(1, _AT_ONCE // normalised.shape[1]))
    return torch.cat([(some @ normalised).max(1).indices for some in rows])


def _pixel_matmul(query: Tensor, keys: list[Tensor]) -> None:
    """Every product once, of as many rows at a time as memory allows; nobody looks at them."""
    for key in keys:
        for rows in query.flatten(1).T.split(max(1, _AT_ONCE // key[0].numel())):
            torch.mm(rows, key.flatten(1))


def _index(query: Tensor, keys: list[Tensor], patch: int, engine: str) -> Int64[Tensor, " n"]:
    match = dense_match(query, keys, patch=patch, engine=engine)
    size = keys[0][0].numel()
    return (match.reference * size + match.y * keys[0].shape[2] + match.x).flatten()


def _patches(features: Float[Tensor, "c h w"], patch: int) -> Float[Tensor, "d n"]:
    return F.unfold(F.pad(features[None], (patch // 2,) * 4, mode="replicate"), patch)[0]


def _wrong_index(query: Tensor, keys: list[Tensor], patch: int, methods: dict[str, Callable]) -> dict[str, int]:
    """Positions at which a method's index is not that of the definition in float64, of those that are compared."""
    normalised = F.normalize(torch.cat([_patches(key.double(), patch) for key in keys], 1), dim=0)
    patches = F.normalize(_patches(query.double(), patch), dim=0).T
    compared = torch.arange(len(patches))
    if len(patches) * normalised.shape[1] > _AT_ONCE:
        compared = torch.randperm(len(patches), generator=torch.Generator().manual_seed(0))[:_CHECKED]
    true = []
    for part in patches[compared].split(512):
        cosines = part @ normalised
        near = cosines >= cosines.amax(1, keepdim=True) - TIE
        true.append(near.to(torch.uint8).numpy().argmax(axis=1))  # the first of them
    expected = torch.cat([torch.from_numpy(part) for part in true])
    judged = {name: method for name, method in methods.items() if name != "pixel_matmul"}
    return {name: int((method()[compared] != expected).sum()) for name, method in judged.items()}


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
