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
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from srntt import Upscaler, load
from srntt.errors import Cancelled, MemoryBudgetError
from srntt.memory import parse_memory, peak_bytes, start_peak
from srntt.views.aligned import find_features, find_target_features, place

Image.MAX_IMAGE_PIXELS = None
_TURN = 10.0  # degrees


def main() -> int:
    """Measure each size within each budget and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("photograph", type=Path)
    parser.add_argument("--megapixels", type=float, nargs="+", default=[12, 24, 96])
    parser.add_argument("--memory", nargs="+", default=["1GB", "2GB"])
    parser.add_argument("--one", type=Path, metavar="REFERENCE", help="measure in this process, with this budget")
    given = parser.parse_args()
    if given.one:
        try:
            print(json.dumps(measure(given.photograph, given.one, given.memory[0])))
        except MemoryBudgetError as error:
            print(json.dumps({"note": str(error)}))
        return 0
    print("| reference | memory | peak | encoded | placed | aligned view | found |\n|---|---|---|---|---|---|---|")
    exceeded = False
    with TemporaryDirectory() as folder:
        picture = Image.open(given.photograph).convert("RGB")
        small = Path(folder, "small.png")
        _turned(_of_size(picture, 1.5)).save(small)
        for megapixels in given.megapixels:
            reference = Path(folder, "reference.jpg")
            _of_size(picture, megapixels).save(reference, quality=95)
            for memory in given.memory:
                exceeded |= _report(small, reference, f"{megapixels:g} MP", memory)
    return int(exceeded)


def _report(small: Path, reference: Path, size: str, memory: str) -> bool:
    """Print a row of the table, and return whether the budget was exceeded."""
    command = [sys.executable, __file__, str(small), "--memory", memory, "--one", str(reference)]
    found = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()[-1])
    if "peak" not in found:
        print(f"| {size} | {memory} | - | - | - | - | {found['note']} |", flush=True)
        return False
    seconds = " | ".join(f"{found[name]:.2f} s" for name in ("encode", "place", "view"))
    print(f"| {size} | {memory} | {found['peak'] / 1e6:.0f} MB | {seconds} | {found['note']} |", flush=True)
    return found["peak"] > (parse_memory(memory) or 0)


def measure(small: Path, reference: Path, memory: str) -> dict[str, float | str]:
    """CPU seconds of each step, and the peak of this process in bytes."""
    upscaler = Upscaler.from_pretrained("lite-rec", device="cpu", memory=memory)
    start_peak()
    references, encode = _timed(lambda: upscaler.encode_references([reference]))
    notes: list[str] = list(references.fallbacks)

    def stop(stage: str, done: int, total: int) -> None:
        if stage == "align" and done == total:
            raise Cancelled

    def align() -> None:
        with suppress(Cancelled):
            upscaler.upscale(small, references, progress=stop)

    _, whole = _timed(align)
    peak = peak_bytes()
    target = find_target_features(load(small).rgb())
    original = references.originals[0]
    features, finding = _timed(lambda: find_features(original.pixels))
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


def _turned(picture: Image.Image) -> Image.Image:
    """The middle of the turned picture, about 1 megapixel of 1.5."""
    turned = picture.rotate(_TURN, Image.Resampling.BICUBIC)
    width, height = round(picture.width * 0.816), round(picture.height * 0.816)
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    return turned.crop((left, top, left + width, top + height))


if __name__ == "__main__":
    raise SystemExit(main())
