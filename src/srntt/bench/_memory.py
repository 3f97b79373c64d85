"""Benchmark of time and memory against the size of an upscale, each in a separate process: `srntt bench memory`."""

import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from srntt._shapes import UInt8
from srntt.bench._timing import exponent
from srntt.bench._upscale import made_pictures
from srntt.data import is_picture
from srntt.errors import InputError, MemoryBudgetError
from srntt.image import Picture, load, reduce, save
from srntt.memory import peak_bytes
from srntt.upscale import MatcherOption, Upscaler

_SCENE = (1024, 1536)  # height and width of a synthetic scene, or of the part used of a photograph
_PHOTOGRAPHS = 8
_SHIFT = (212, 324)  # pixels between the corners of one reference and the next


def bench_memory(
    *,
    model: str | Path = "lite-rec",
    megapixels: Sequence[float] = (0.25, 1.0, 4.0),
    references: Sequence[int] = (1, 2, 4, 8),
    reference: tuple[int, int] = (332, 500),
    matcher: MatcherOption = "auto",
    memory: str | None = None,
    photographs: Path | None = None,
) -> dict[str, Any]:
    """Upscale to several output sizes with one reference, then to the smallest size with several references.

    Each case is a new process on the CPU that performs the steps of ``srntt upscale``: reading files, encoding,
    upscaling and writing a PNG. Its peak memory, counted by the operating system over the lifetime of the process, is
    compared with the prediction made before the upscale.

    Args:
        model: Name or path of the model.
        megapixels: Sizes of the outputs, with an aspect ratio of 3:2.
        references: Numbers of references.
        reference: Height and width of the references.
        matcher: Matcher, as for `Upscaler.upscale`.
        memory: Memory budget of the process, such as ``"1GB"``; None for most of the available memory.
        photographs: Folder of photographs from which pictures of any size are assembled; None for noise with the
            spectrum of photographs.

    Returns:
        ``{"model", "reference", "matcher", "memory", "photographs", "threads", "cases": [{"output", "megapixels",
        "references", "seconds", "encode_seconds", "cpu_seconds", "peak_bytes", "predicted_bytes",
        "peak_over_predicted", "encode_peak_bytes", "matcher", "reason", "tile"}], "growth": {"seconds", "bytes"}}``. A
        case that exceeds the memory has "refused" instead, with the message. "seconds" is the time of the upscale,
        "cpu_seconds" that of the whole process. "growth" is the exponent, over output pixels, of time and of memory in
        excess of the first case, from the second to the last size; None for fewer than three sizes.

    Raises:
        InputError: No sizes, or sizes not above 0; or the folder has no photographs that are large enough.
        ModelError: The model does not exist, or its weights were not fetched.
    """
    if not megapixels or not references or min(*megapixels, *references, *reference) <= 0:
        raise InputError(
            f"megapixels={tuple(megapixels)}, references={tuple(references)}, reference={reference}: give at least one "
            "of each, above 0."
        )
    scale = Upscaler.from_pretrained(model, device="cpu").scale  # errors raised here are readable
    sizes = [_size(amount, scale) for amount in megapixels]
    requested = [(size, references[0]) for size in sizes] + [(sizes[0], count) for count in references[1:]]
    common = {"model": str(model), "reference": [*reference], "matcher": matcher, "memory": memory}
    scenes = [_made_scene()] if photographs is None else _photographed(photographs)
    cases = []
    with tempfile.TemporaryDirectory() as folder:
        for size, count in requested:
            files = _write(scenes, size, scale, reference, count, Path(folder))
            cases.append(_in_a_process({**common, **files, "output": [*size], "references": count}))
    about = {"photographs": photographs is not None, "threads": torch.get_num_threads()}
    return {**common, **about, "cases": cases, "growth": _growth(cases[: len(sizes)])}


def _size(megapixels: float, scale: int) -> tuple[int, int]:
    """Return height and width of a 3:2 picture, multiples of the scale."""
    height = max(1, round(math.sqrt(megapixels * 1e6 / 1.5) / scale)) * scale
    return height, max(1, round(megapixels * 1e6 / height / scale)) * scale


def _made_scene() -> UInt8[np.ndarray, "H W 3"]:
    _, (scene,) = made_pictures((1, 1), _SCENE, 1, 1)
    return (scene.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)


def _photographed(folder: Path) -> list[UInt8[np.ndarray, "H W 3"]]:
    """Return the centre crops of the first photographs of a folder that are large enough."""
    scenes = []
    for file in sorted(folder.iterdir()) if folder.is_dir() else ():
        if is_picture(file) and len(scenes) < _PHOTOGRAPHS:
            color = load(file).color
            top, left = ((extent - side) // 2 for extent, side in zip(color.shape, _SCENE, strict=False))
            if min(top, left) >= 0 and color.shape[2] == 3:
                scenes.append(color[top : top + _SCENE[0], left : left + _SCENE[1]])
    if not scenes:
        raise InputError(f"{folder} has no photographs in colour of at least {_SCENE[1]} x {_SCENE[0]} pixels.")
    return scenes


def _write(
    scenes: list[np.ndarray], size: tuple[int, int], scale: int, reference: tuple[int, int], count: int, folder: Path
) -> dict[str, Any]:
    """Write a low-res picture for an output of ``size``, and references that show different parts of it."""
    small = [_reduced(scene, scale) for scene in scenes]
    low_res, files = folder / "low_res.png", [folder / f"{number}.png" for number in range(count)]
    _save(_mosaic(small, (size[0] // scale, size[1] // scale), (0, 0)), low_res)
    for number, file in enumerate(files):
        _save(_mosaic(scenes, reference, (_SHIFT[0] * (number + 1), _SHIFT[1] * (number + 1))), file)
    return {"low_res": str(low_res), "files": [*map(str, files)], "written": str(folder / "large.png")}


def _reduced(scene: UInt8[np.ndarray, "H W 3"], scale: int) -> UInt8[np.ndarray, "h w 3"]:
    small = reduce(torch.from_numpy(scene / np.float32(255)).permute(2, 0, 1)[None], scale)[0].clamp(0, 1)
    return (small.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)


def _mosaic(scenes: list[np.ndarray], size: tuple[int, int], corner: tuple[int, int]) -> UInt8[np.ndarray, "H W 3"]:
    """Tile the scenes, every second one mirrored, and crop ``size`` from ``corner``."""
    height, width = scenes[0].shape[:2]
    out = np.empty((*size, 3), np.uint8)
    for row in range(corner[0] // height, -(-(corner[0] + size[0]) // height)):
        for column in range(corner[1] // width, -(-(corner[1] + size[1]) // width)):
            scene = scenes[(3 * row + column) % len(scenes)][:: 1 - row % 2 * 2, :: 1 - column % 2 * 2]
            top, left = row * height - corner[0], column * width - corner[1]
            part = scene[max(0, -top) : size[0] - top, max(0, -left) : size[1] - left]
            out[max(0, top) :, max(0, left) :][: part.shape[0], : part.shape[1]] = part
    return out


def _save(color: np.ndarray, file: Path) -> None:
    save(Picture(color), file, overwrite=True)


def _in_a_process(case: dict[str, Any]) -> dict[str, Any]:
    command = [sys.executable, "-c", f"from srntt.bench._memory import measure; measure({json.dumps(case)!r})"]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(printed.splitlines()[-1])


def measure(text: str) -> None:
    """Run one case, given as JSON, and print its result as JSON."""
    case = json.loads(text)
    height, width = case["output"]
    report = {"output": case["output"], "megapixels": height * width / 1e6, "references": case["references"]}
    upscaler = Upscaler.from_pretrained(case["model"], device="cpu", matcher=case["matcher"], memory=case["memory"])
    try:
        started = time.perf_counter()
        encoded = upscaler.encode_references(case["files"])
        encode_seconds, encode_peak = time.perf_counter() - started, peak_bytes()
        result = upscaler.upscale(case["low_res"], encoded)
    except MemoryBudgetError as error:
        print(json.dumps({**report, "refused": str(error)}))
        return
    result.save(case["written"], overwrite=True)
    peak = max(encode_peak, peak_bytes())
    report |= {
        "seconds": result.seconds, "encode_seconds": encode_seconds, "cpu_seconds": time.process_time(),
        "peak_bytes": peak, "predicted_bytes": result.predicted_bytes,
        "peak_over_predicted": peak / result.predicted_bytes, "encode_peak_bytes": encode_peak,
        "upscale_peak_bytes": result.peak_bytes,
        "matcher": result.matcher, "reason": result.matcher_reason, "tile": result.tile,
    }  # fmt: skip
    print(json.dumps(report))


def _growth(cases: list[dict[str, Any]]) -> dict[str, float | None]:
    done = [case for case in cases if "refused" not in case]
    if len(done) < 3:
        return {"seconds": None, "bytes": None}
    base, *ends = done[0], done[1], done[-1]
    sizes = ends[0]["megapixels"], ends[1]["megapixels"]
    added = [max(1, case["peak_bytes"] - base["peak_bytes"]) for case in ends]
    return {
        "seconds": exponent(sizes, (ends[0]["seconds"], ends[1]["seconds"])),
        "bytes": exponent(sizes, (added[0], added[1])),
    }
