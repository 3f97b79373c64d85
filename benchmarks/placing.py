"""Seconds and peak memory of aligning references of any size with a 1-megapixel picture, each in a separate process.

    python benchmarks/placing.py PHOTOGRAPH [--megapixels 12 24 96] [--memory 1GB 2GB]

A reference is the photograph enlarged to the given size; the picture is the photograph reduced to 1 megapixel and
turned by 10 degrees, without its frame. Reported are the CPU seconds of encoding the reference, of placing it
(keypoints, planes, flow: these reach a cap) and of making and encoding the aligned view (which depend on the output),
and the peak of the process after that. Exit code 1: a peak exceeds its budget. Matching and rendering are not included:
`any_size.py` measures them.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
from PIL import Image

from srntt import Upscaler
from srntt.memory import parse_memory, peak_bytes, start_peak
from srntt.views.aligned import find_features, find_target_features, place

Image.MAX_IMAGE_PIXELS = None
_TURN = 10.0  # degrees


class _AlignedError(Exception):
    """Alignment is done; the rest of the upscale is not measured."""


def main() -> int:
    """Measure each size within each budget and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("photograph")
    parser.add_argument("--megapixels", type=float, nargs="+", default=[12, 24, 96])
    parser.add_argument("--memory", nargs="+", default=["1GB", "2GB"])
    parser.add_argument("--one", action="store_true", help="measure the first of each in this process")
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measure(given.photograph, given.megapixels[0], given.memory[0])))
        return 0
    print("| reference | memory | peak | encoded | placed | aligned view | found |\n|---|---|---|---|---|---|---|")
    exceeded = False
    for megapixels in given.megapixels:
        for memory in given.memory:
            case = ["--megapixels", str(megapixels), "--memory", memory, "--one"]
            done = subprocess.run(
                [sys.executable, __file__, given.photograph, *case], stdout=subprocess.PIPE, text=True, check=True
            )
            found = json.loads(done.stdout.splitlines()[-1])
            exceeded |= found["peak"] > parse_memory(memory)
            seconds = " | ".join(f"{found[name]:.2f} s" for name in ("encode", "place", "view"))
            print(
                f"| {megapixels:g} MP | {memory} | {found['peak'] / 1e6:.0f} MB | {seconds} | {found['note']} |",
                flush=True,
            )
    return int(exceeded)


def measure(photograph: str, megapixels: float, memory: str) -> dict[str, float | str]:
    """CPU seconds of each step, and the peak of this process in bytes."""
    picture = Image.open(photograph).convert("RGB")
    low_res = _turned(_of_size(picture, 1.5))
    reference = np.asarray(_of_size(picture, megapixels))
    upscaler = Upscaler.from_pretrained("lite-rec", device="cpu", memory=memory)
    start_peak()
    references, encode = _timed(lambda: upscaler.encode_references([reference]))
    del reference, picture
    notes: list[str] = list(references.fallbacks)

    def stop(stage: str, done: int, total: int) -> None:
        if stage == "align":
            raise _AlignedError

    def align() -> None:
        try:
            upscaler.upscale(low_res, references, progress=stop)
        except _AlignedError:
            return

    _, whole = _timed(align)
    peak = peak_bytes()
    target = find_target_features(_tensor(low_res))
    features, finding = _timed(lambda: find_features(references.originals[0].pixels))
    placement, placing = _timed(lambda: place(target, features))
    notes.append("nothing" if placement is None else placement.describe(upscaler.scale))
    return {
        "encode": encode,
        "place": finding + placing,
        "view": whole - finding - placing,
        "peak": peak,
        "note": "; ".join(notes),
    }


def _timed(work: Callable) -> tuple:
    began = time.process_time()
    return work(), time.process_time() - began


def _of_size(picture: Image.Image, megapixels: float) -> Image.Image:
    times = (megapixels * 1e6 / (picture.width * picture.height)) ** 0.5
    return picture.resize((round(picture.width * times), round(picture.height * times)), Image.Resampling.LANCZOS)


def _turned(picture: Image.Image) -> np.ndarray:
    """The middle of the turned picture, about 1 megapixel of 1.5."""
    turned = picture.rotate(_TURN, Image.Resampling.BICUBIC)
    width, height = round(picture.width * 0.816), round(picture.height * 0.816)
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    return np.asarray(turned.crop((left, top, left + width, top + height)))


def _tensor(pixels: np.ndarray):
    import torch

    return torch.from_numpy(pixels.astype(np.float32) / 255).permute(2, 0, 1).contiguous()


if __name__ == "__main__":
    raise SystemExit(main())
