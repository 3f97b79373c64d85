"""Choice of the exact engine: the fastest that works on the device."""

import logging
from collections.abc import Callable
from functools import cache
from typing import Literal

import torch

from srntt.errors import InputError, MemoryBudgetError
from srntt.match._problem import Problem, make_problem
from srntt.match._triton import EXACT, ROUNDED, refusal, triton_search, workspace_bytes

Engine = Literal["fused", "torch", "triton"]
_log_once = cache(logging.getLogger(__name__).warning)


def choose_engine(name: str, problem: Problem, precision: str, memory: int | None) -> Engine:
    """Return the engine of this name, or the fastest one for "auto".

    Raises:
        InputError: Unknown engine or precision, or the engine does not run on the device of the features.
        MemoryBudgetError: `memory` does not suffice for the Triton engine, and it was requested by name.
    """
    device = problem.query.device
    if precision not in (*EXACT, *ROUNDED):
        raise InputError(f"precision is {precision!r}; give one of {', '.join(map(repr, (*EXACT, *ROUNDED)))}.")
    if name == "fused":
        if device.type != "cpu":
            raise InputError(f"engine='fused' runs on the CPU, but the features are on {device}; use engine='auto'.")
        return "fused"
    if name == "torch":
        return "torch"
    if name == "triton":
        if reason := refusal(device):
            raise InputError(f"engine='triton' does not run here: {reason}. Use engine='auto'.")
        if reason := _shortage(problem, precision, memory):
            raise MemoryBudgetError(f"engine='triton': {reason}. Raise memory, or use engine='auto'.")
        return "triton"
    if name != "auto":
        raise InputError(f"engine is {name!r}; give 'auto', 'fused', 'torch' or 'triton'.")
    return _fastest(device, lambda: _shortage(problem, precision, memory))


def _fastest(device: torch.device, shortage: Callable[[], str | None]) -> Engine:
    if device.type != "cuda":
        return "fused" if device.type == "cpu" else "torch"
    reason = refusal(device) or shortage() or _failure(device)
    if reason is not None:
        _log_once(f"Using engine='torch', which is slower than 'triton': {reason}")
    return "triton" if reason is None else "torch"


def _shortage(problem: Problem, precision: str, memory: int | None) -> str | None:
    if memory is None or (needed := workspace_bytes(problem, precision)) <= memory:
        return None
    return f"it needs {needed} bytes, and memory={memory}"


@cache
def _failure(device: torch.device) -> str | None:
    """Self-test of the Triton engine on a device, matching a small map with itself; return the reason if it fails."""
    features = torch.randn(8, 5, 6, generator=torch.Generator().manual_seed(0)).to(device)
    problem = make_problem(features, [features], 3, "replicate")
    try:
        best = triton_search(problem, "fp16").best
    except Exception as error:  # drivers, compilers and their caches fail in many ways
        return f"its self-test failed with {type(error).__name__}: {error}"
    return None if torch.equal(best.flatten().cpu(), torch.arange(30)) else "its self-test found wrong matches"
