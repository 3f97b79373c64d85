"""Time and memory against the sizes of an upscale, each in a process of its own: `srntt bench memory`."""

import json
import math
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from srntt.errors import InputError, MemoryBudgetError
from srntt.upscale._bench import made_pictures
from srntt.upscale._matcher import MatcherOption
from srntt.upscale._memory import resident_bytes
from srntt.upscale._upscaler import Upscaler


def bench_memory(
    *,
    model: str | Path = "lite-rec",
    megapixels: Sequence[float] = (0.25, 1.0, 4.0),
    references: Sequence[int] = (1, 2, 4, 8),
    reference: tuple[int, int] = (332, 500),
    matcher: MatcherOption = "auto",
    memory: str | None = None,
) -> dict[str, Any]:
    """Upscale to outputs of several sizes with one reference, then to the smallest of them with several references.

    Each case is a new process on the CPU; its peak is what the operating system counted while `Upscaler.upscale` ran,
    and stands beside what was predicted before the work began.

    Args:
        model: name or path.
        megapixels: of the outputs, which are 3:2.
        references: how many.
        reference: their size, down and across.
        matcher: how they are searched.
        memory: what the process may hold, such as ``"1GB"``; None for most of what is free.

    Returns:
        ``{"model", "reference", "matcher", "memory", "cases": [{"output", "megapixels", "references", "seconds",
        "encode_seconds", "held_bytes", "peak_bytes", "predicted_bytes", "peak_over_predicted", "matcher", "reason",
        "tile"}], "growth": {"seconds", "bytes"}}``. A case that the memory does not allow has "refused" instead, with
        the text. "held_bytes" is what the process held before the work; "growth" is the exponent of the output's pixels
        that time and the memory beyond that grow by, from the first to the last size, None for a single one.

    Raises:
        InputError: no sizes, or none above 0.
    """
    if not megapixels or not references or min(megapixels) <= 0 or min(references) < 1:
        raise InputError(
            f"megapixels={tuple(megapixels)}, references={tuple(references)}: give at least one of each, above 0."
        )
    sizes = [_size(amount) for amount in megapixels]
    asked = [(size, references[0]) for size in sizes] + [(sizes[0], count) for count in references[1:]]
    common = {"model": str(model), "reference": [*reference], "matcher": matcher, "memory": memory}
    cases = [_in_a_process({**common, "output": [*size], "references": count}) for size, count in asked]
    return {**common, "cases": cases, "growth": _growth(cases[: len(sizes)])}


def _size(megapixels: float) -> tuple[int, int]:
    """Sides of a 3:2 picture, multiples of 4."""
    height = max(4, round(math.sqrt(megapixels * 1e6 / 1.5) / 4) * 4)
    return height, max(4, round(megapixels * 1e6 / height / 4) * 4)


def _in_a_process(case: dict[str, Any]) -> dict[str, Any]:
    command = [sys.executable, "-c", f"from srntt.upscale._bench_memory import measure; measure({json.dumps(case)!r})"]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(printed.splitlines()[-1])


def measure(text: str) -> None:
    """Do one case, given as JSON, and print what it came to."""
    case = json.loads(text)
    upscaler = Upscaler.from_pretrained(case["model"], device="cpu", matcher=case["matcher"], memory=case["memory"])
    height, width = case["output"]
    low_res, pictures = made_pictures((height, width), tuple(case["reference"]), case["references"])
    told = {"output": case["output"], "megapixels": height * width / 1e6, "references": case["references"]}
    try:
        started = time.perf_counter()
        encoded = upscaler.encode_references(pictures)
        encode_seconds = time.perf_counter() - started
        del pictures
        upscaler.upscale(low_res[:, :8, :8], encoded)  # compiles, or loads what was compiled before
        held = resident_bytes()
        result = upscaler.upscale(low_res, encoded)
    except MemoryBudgetError as error:
        print(json.dumps({**told, "refused": str(error)}))
        return
    told |= {
        "seconds": result.seconds, "encode_seconds": encode_seconds, "held_bytes": held,
        "peak_bytes": result.peak_bytes, "predicted_bytes": result.predicted_bytes,
        "peak_over_predicted": result.peak_bytes / result.predicted_bytes,
        "matcher": result.matcher, "reason": result.matcher_reason, "tile": result.tile,
    }  # fmt: skip
    print(json.dumps(told))


def _growth(cases: list[dict[str, Any]]) -> dict[str, float | None]:
    done = [case for case in cases if "refused" not in case]
    if len(done) < 2 or done[0]["megapixels"] == done[-1]["megapixels"]:
        return {"seconds": None, "bytes": None}
    first, last = done[0], done[-1]
    factor = math.log(last["megapixels"] / first["megapixels"])
    taken = [max(1, case["peak_bytes"] - case["held_bytes"]) for case in (first, last)]
    return {
        "seconds": math.log(last["seconds"] / first["seconds"]) / factor,
        "bytes": math.log(taken[1] / taken[0]) / factor,
    }
