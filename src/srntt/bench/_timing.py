"""Timing in rounds that run every method once, so that other load on the machine affects all methods equally."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from statistics import median
from typing import Any

import torch

_CPU = torch.device("cpu")


def rounds(
    methods: Mapping[str, Callable[[], Any]], repeats: int, device: torch.device = _CPU
) -> dict[str, list[float]]:
    """Return the wall time of each method in each round, in seconds, on a synchronised device."""
    seconds: dict[str, list[float]] = {name: [] for name in methods}
    for _ in range(repeats):
        for name, method in methods.items():
            _wait(device)
            started = time.perf_counter()
            method()
            _wait(device)
            seconds[name].append(time.perf_counter() - started)
    return seconds


def medians(methods: Mapping[str, Callable[[], Any]], repeats: int, device: torch.device = _CPU) -> dict[str, float]:
    """Return the median time of each method, in seconds."""
    return {name: median(values) for name, values in rounds(methods, repeats, device).items()}


def exponent(sizes: tuple[int | float, int | float], costs: tuple[int | float, int | float]) -> float | None:
    """Return the exponent with which a cost grows between two sizes; None if the sizes are equal."""
    return math.log(costs[1] / costs[0]) / math.log(sizes[1] / sizes[0]) if sizes[0] != sizes[1] else None


@contextmanager
def torch_threads(number: int) -> Iterator[None]:
    """Set the number of torch threads within the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
