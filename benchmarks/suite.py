"""Matching, swapping, network, end to end and memory, in one run: `make bench`, about two minutes on an idle machine.

    python benchmarks/suite.py [--output out/bench.json] [--parts matching,swapping,...] [--keep]

Writes one JSON with every figure and, under "ratios", those that compare between runs: one method to another of the
same run, growth, shares. benchmarks/check.py holds them against the ones that were kept. ``--keep`` keeps this run as
benchmarks/results/performance.json and writes the tables of docs/performance.md.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from origin import origin
from peer_matchers import PEERS, unit_patches
from peer_swap import fold_swap
from performance_tables import write_tables
from torch import Tensor, nn

from srntt._files import write_bytes
from srntt.bench import bench_fast, bench_memory, bench_upscale
from srntt.bench._fast import turned_pair
from srntt.bench._timing import medians
from srntt.match import Match, dense_match, fast_match
from srntt.models import open_model
from srntt.transfer import swap

REPOSITORY = Path(__file__).parent.parent
KEPT = REPOSITORY / "benchmarks" / "results" / "performance.json"
_SIDE, _CHANNELS, _REPEATS = 102, 256, 3  # as many positions as an output of 500 x 332 has, at the depth of relu3_1
_LOW_RES = (83, 125)
_LEVELS = ((256, 1), (128, 2), (64, 4))  # channels and scale of the maps that SRNTT swaps


def main() -> None:
    """Measure, write, and store if requested."""
    parser = argparse.ArgumentParser(description="Matching, swapping, network, end to end and memory, in one run.")
    parser.add_argument("--output", type=Path, default=REPOSITORY / "out" / "bench.json")
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--keep", action="store_true")
    arguments = parser.parse_args()
    names = arguments.parts.split(",")
    if unknown := [name for name in names if name not in PARTS]:
        parser.error(f"--parts {','.join(unknown)}: there are {','.join(PARTS)}")
    if arguments.keep and names != list(PARTS):
        parser.error("--keep keeps whole runs: leave out --parts")
    report = origin("src", "benchmarks") | busyness() | {"parts": {name: timed(name) for name in names}}
    report["ratios"] = ratios(report["parts"])
    text = json.dumps(report, indent=1) + "\n"
    write_bytes(arguments.output, text.encode())
    print(f"{arguments.output}: {len(report['ratios'])} ratios")
    if arguments.keep:
        write_bytes(KEPT, text.encode())
        write_tables(report)


def busyness() -> dict[str, Any]:
    """The available threads, and the load of the machine before the run."""
    busy = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {"threads": torch.get_num_threads(), "load_before": busy}


def timed(name: str) -> dict[str, Any]:
    """A part, with a message and its time."""
    print(f"{name} ...", file=sys.stderr, flush=True)
    started = time.perf_counter()
    part = PARTS[name]()
    return part | {"part_seconds": round(time.perf_counter() - started, 1)}


@torch.inference_mode()
def matching() -> dict[str, Any]:
    """Our method and others on one pair of maps: time, the fraction of best patches found, and the similarity lost."""
    query, key = turned_pair(_SIDE, _CHANNELS)
    ours = {name: partial(_index, match, query, key) for name, match in (("exact", dense_match), ("fast", fast_match))}
    methods = ours | {name: partial(peer, query, key) for name, peer in PEERS.items()}
    found = {name: method() for name, method in methods.items()}  # which compiles, and warms up
    seconds = medians(methods, _REPEATS)
    best = found["exact"]
    with_faiss = _faiss(query, key)
    if with_faiss:
        found["faiss"], seconds["faiss"] = with_faiss["index"], with_faiss["seconds"]
    keys, queries = (unit_patches(features) for features in (key, query))
    reached = (queries * keys[:, best]).sum(0)
    judged = {
        name: {
            "seconds": seconds[name],
            "over_exact": seconds[name] / seconds["exact"],
            "recall": float((index == best).double().mean()),
            "similarity_lost": float((reached - (queries * keys[:, index]).sum(0)).mean()),
        }
        for name, index in found.items()
    }
    growth = bench_fast(sizes=(128, 256), threads=torch.get_num_threads())
    about = {"positions": [_SIDE, _SIDE], "channels": _CHANNELS, "repeats": _REPEATS}
    return about | {"faiss": with_faiss and with_faiss["version"], "methods": judged, "light": growth}


def swapping() -> dict[str, Any]:
    """The three levels of the paper: our method, and unfold, gather and fold as in TTSR."""
    generator = torch.Generator().manual_seed(0)
    height, width = _LOW_RES
    noise = F.avg_pool2d(torch.randn(2, 1, height + 8, width + 8, generator=generator), 9, stride=1)[:, 0] * 40
    down, across = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    y, x = ((a + b.round().long()).clamp(1, size - 2) for a, b, size in
            ((down, noise[0], height), (across, noise[1], width)))  # fmt: skip
    match = Match.at(torch.zeros_like(y), y, x, torch.ones(height, width))
    maps = [torch.rand(c, height * r, width * r, generator=generator) for c, r in _LEVELS]
    levels = list(zip(maps, (ratio for _, ratio in _LEVELS), strict=True))
    with torch.inference_mode():
        seconds = _medians(
            {
                "swap": lambda: [swap([values], match, ratio=ratio) for values, ratio in levels],
                "unfold_fold": lambda: [fold_swap(values, y, x, ratio) for values, ratio in levels],
            }
        )
    return {"low_res": [*_LOW_RES], "levels": [[*level] for level in _LEVELS], "seconds": seconds}


@torch.inference_mode()
def network() -> dict[str, Any]:
    """The light network, and its convolutions alone: the difference is the cost of everything else."""
    model = open_model("lite-rec").to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    picture = torch.rand(1, 3, *_LOW_RES).contiguous(memory_format=torch.channels_last)
    seen: list[tuple[nn.Module, Tensor]] = []
    convolutions = [module for module in model.modules() if isinstance(module, nn.Conv2d)]
    hooks = [module.register_forward_pre_hook(lambda module, given: seen.append((module, given[0].clone())))
             for module in convolutions]  # fmt: skip
    model(picture)
    for hook in hooks:
        hook.remove()
    seconds = _medians(
        {"network": lambda: model(picture), "convolutions": lambda: [module(given) for module, given in seen]},
        repeats=9,
    )
    return {"low_res": [*_LOW_RES], "convolutions": len(seen), "seconds": seconds}


#: The measurements, by name.
PARTS: Mapping[str, Callable[[], dict[str, Any]]] = {
    "matching": matching,
    "swapping": swapping,
    "network": network,
    "upscale": bench_upscale,
    "memory": bench_memory,
}


def ratios(parts: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Values that can be compared between runs: value, better direction, and kind."""
    found: dict[str, dict[str, Any]] = {}

    def note(name: str, value: float | None, better: str, kind: str) -> None:
        if value is not None:
            found[name] = {"value": value, "better": better, "kind": kind}

    for name, method in parts.get("matching", {}).get("methods", {}).items():
        if name not in ("exact", "fast"):
            note(f"matching: {name} over exact, time", method["over_exact"], "higher", "time")
    if "matching" in parts:
        fast, light = parts["matching"]["methods"]["fast"], parts["matching"]["light"]
        note("matching: exact over fast, 256 channels, time", 1 / fast["over_exact"], "higher", "time")
        note("matching: fast, 256 channels, recall", fast["recall"], "higher", "quality")
        for case in light["cases"]:
            side = case["query"][0]
            note(f"matching: exact over fast, {side} x {side}, time", case["exact_over_fast"], "higher", "time")
            note(f"matching: fast, {side} x {side}, recall", case["recall"], "higher", "quality")
        note("matching: fast, growth of time", light["growth"]["fast"], "lower", "time")
    if "swapping" in parts:
        seconds = parts["swapping"]["seconds"]
        note("swapping: unfold_fold over swap, time", seconds["unfold_fold"] / seconds["swap"], "higher", "time")
    if "network" in parts:
        seconds = parts["network"]["seconds"]
        note("network: whole over convolutions, time", seconds["network"] / seconds["convolutions"], "lower", "time")
    for name, value in parts.get("upscale", {}).get("over_yardstick", {}).items():
        note(f"upscale: {name} over yardstick, time", value, "lower", "time")
    for case in parts.get("memory", {}).get("cases", []):
        if "refused" not in case:
            name = f"memory: {case['megapixels']:.2f} MP, {case['references']} references"
            note(f"{name}, peak over predicted", case["peak_over_predicted"], "lower", "memory")
    if "memory" in parts:
        note("memory: growth of peak", parts["memory"]["growth"]["bytes"], "lower", "memory")
        note("memory: growth of time", parts["memory"]["growth"]["seconds"], "lower", "time")
    return found


def _medians(methods: Mapping[str, Callable[[], Any]], repeats: int = _REPEATS) -> dict[str, float]:
    """Of rounds that run every method once; a first round, for compilation and warm-up, is not counted."""
    for method in methods.values():
        method()
    return medians(methods, repeats)


def _index(match: Callable[..., Match], query: Tensor, key: Tensor) -> Tensor:
    found = match(query, [key])
    return (found.y * key.shape[2] + found.x).flatten()


def _faiss(query: Tensor, key: Tensor) -> dict[str, Any] | None:
    """faiss in a separate process, or None if no interpreter has it."""
    python = _python_with_faiss()
    if python is None:
        print("faiss is not here and left out (make faiss, or SRNTT_FAISS_PYTHON)", file=sys.stderr)
        return None
    with tempfile.TemporaryDirectory() as folder:
        files = [str(Path(folder) / f"{name}.npy") for name in ("query", "key", "index")]
        for file, features in zip(files, (query, key), strict=False):
            np.save(file, unit_patches(features).T.contiguous().numpy())
        script = str(Path(__file__).with_name("faiss_flat.py"))
        command = [python, script, *files, str(torch.get_num_threads()), str(_REPEATS + 1)]
        printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        answer, index = json.loads(printed), torch.from_numpy(np.load(files[2]))
    return {"version": answer["version"], "seconds": median(answer["seconds"][1:]), "index": index}


def _python_with_faiss() -> str | None:
    own = REPOSITORY / ".venv-faiss" / "bin" / "python"
    for python in (os.environ.get("SRNTT_FAISS_PYTHON"), str(own), sys.executable):
        if python and Path(python).exists():
            tried = subprocess.run([python, "-c", "import faiss"], capture_output=True, check=False)
            if tried.returncode == 0:
                return python
    return None


if __name__ == "__main__":
    main()
