"""Benchmark of exact matching on a GPU: `srntt bench match --device cuda`."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor

from srntt._shapes import Int64
from srntt.bench._definition import flat_index, judged, random_features, unfold_matmul
from srntt.bench._timing import medians, rounds
from srntt.errors import InputError
from srntt.match import dense_match

_DTYPES = {"fp16": torch.float16, "bf16": torch.bfloat16}


def bench_device(
    *,
    device: str = "cuda",
    query_size: tuple[int, int] = (128, 128),
    key_size: tuple[int, int] = (256, 256),
    references: int = 2,
    channels: Sequence[int] = (256, 64),
    patch: int = 3,
    precisions: Sequence[str] = ("fp16", "bf16", "tf32", "tf32x3", "fp32"),
    repeats: int = 5,
    yardstick: int = 8192,
) -> dict[str, Any]:
    """Time the Triton engine, unfold + matmul in the same precision, and a plain matrix product.

    Times are wall times of whole calls, from maps to matches, on a synchronised device. Each method is warmed up once;
    then the methods alternate. Unfold + matmul multiplies in the same precision, and in full float32 for "fp32" and
    "tf32x3". Features are smooth and random; indices are compared with the definition in float64.

    Args:
        device: Device to use. The CPU works with TRITON_INTERPRET=1, without meaningful times.
        query_size: Height and width of the query, in positions.
        key_size: Height and width of a key map, in positions.
        references: Number of key maps.
        channels: Numbers of channels to measure.
        patch: Side of the patches, 1 or 3.
        precisions: Multiplication precisions to measure.
        repeats: Number of rounds; medians are reported.
        yardstick: Side of the square matrices whose product defines the peak rate.

    Returns:
        ``{"device", "torch", "triton", "patch", "repeats", "matmul_tflops": {precision: peak}, "cases": [{"channels",
        "precision", "query", "key", "references", "seconds": {method: median}, "unfold_matmul_over_triton",
        "peak_share", "peak_share_as_written", "peak_bytes": {method: count}, "wrong_index": {method: count},
        "compared", "similarity_lost"}]}``. "peak_share" counts the products of the kernel's algorithm (a third of those
        of Eq. 1 for patches of 3), "peak_share_as_written" those of Eq. 1 itself, both over the time of the whole call.
        "peak_bytes" is the memory that a call allocates in addition to its arguments, 0 if the device does not report
        it. "wrong_index" is the number of positions, of those "compared", whose index differs from the definition's;
        "similarity_lost" is the largest loss of true cosine of the Triton engine.

    Raises:
        InputError: The Triton engine does not run on the device, for the reason stated; or a size or count below 1.
    """
    place = _device(device)
    if min(repeats, references, *query_size, *key_size, *channels) < 1:
        raise InputError(
            f"repeats={repeats}, references={references}, query_size={query_size}, key_size={key_size}, "
            f"channels={tuple(channels)}: give at least 1 of each."
        )
    for precision in precisions:  # raises for a precision that does not run on the device, before any work
        _index(probe := torch.ones(1, 3, 3, device=place), [probe], patch, precision)
    import triton  # pyright: ignore[reportMissingImports]

    sizes = [query_size, *[key_size] * references]
    maps = [random_features(max(channels), size, n).to(place) for n, size in enumerate(sizes)]
    peaks = {name: _matmul_tflops(place, name, yardstick, repeats) for name in precisions}
    cases = []
    for depth in channels:
        query, *keys = (features[:depth].contiguous() for features in maps)
        cases += [_case(query, keys, patch, name, repeats, peaks[name]) for name in precisions]
    name = torch.cuda.get_device_name(place) if place.type == "cuda" else str(place)
    return {
        "device": name, "torch": torch.__version__, "triton": triton.__version__, "patch": patch, "repeats": repeats,
        "matmul_tflops": peaks, "cases": cases,
    }  # fmt: skip


def _device(name: str) -> torch.device:
    try:
        return torch.device(name)
    except RuntimeError:
        raise InputError(f"device={name!r} is not a device of PyTorch. Give cuda, or cuda:1.") from None


def _case(query: Tensor, keys: list[Tensor], patch: int, precision: str, repeats: int, peak: float) -> dict[str, Any]:
    methods = {
        "triton": partial(_index, query, keys, patch, precision),
        "unfold_matmul": partial(_unfold_matmul, query, keys, patch, precision),
    }
    judgement = judged(query, keys, patch, {name: method() for name, method in methods.items()})
    seconds = medians(methods, repeats, query.device)
    products = 2e-12 * query[0].numel() * sum(key[0].numel() for key in keys) * len(query)
    return {
        "channels": len(query),
        "precision": precision,
        "query": [*query.shape[1:]],
        "key": [*keys[0].shape[1:]],
        "references": len(keys),
        "seconds": seconds,
        "unfold_matmul_over_triton": seconds["unfold_matmul"] / seconds["triton"],
        "peak_share": products * patch / seconds["triton"] / peak,
        "peak_share_as_written": products * patch**2 / seconds["triton"] / peak,
        "peak_bytes": {name: _peak_bytes(method, query.device) for name, method in methods.items()},
        "wrong_index": judgement.wrong,
        "compared": judgement.compared,
        "similarity_lost": judgement.lost["triton"],
    }


def _matmul_tflops(device: torch.device, precision: str, side: int, repeats: int) -> float:
    """Return the highest rate of several products; for tf32x3, which takes three products in tf32, that of tf32."""
    dtype = _DTYPES.get(precision, torch.float32)
    first, second = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    with _products_in("tf32" if precision == "tf32x3" else precision):
        torch.mm(first, second)
        times = rounds({"mm": partial(torch.mm, first, second)}, max(repeats, 10), device)["mm"]
    return 2e-12 * side**3 / min(times)


def _index(query: Tensor, keys: list[Tensor], patch: int, precision: str) -> Int64[Tensor, " n"]:
    return flat_index(dense_match(query, keys, patch=patch, engine="triton", precision=precision), keys)


def _unfold_matmul(query: Tensor, keys: list[Tensor], patch: int, precision: str) -> Int64[Tensor, " n"]:
    with _products_in(precision):
        return unfold_matmul(query, keys, patch, _DTYPES.get(precision, torch.float32))


def _peak_bytes(method: Callable, device: torch.device) -> int:
    if device.type != "cuda":
        return 0
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    method()
    return torch.cuda.max_memory_allocated(device) - before


@contextmanager
def _products_in(precision: str) -> Iterator[None]:
    """Set the precision in which torch multiplies float32."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
