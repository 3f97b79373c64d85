"""Measure what a kind of model takes in memory: the figures behind each method's ``appetite`` and ``matching_bytes``.

    python benchmarks/memory.py MODEL

Each line is one piece of work of one size in a process of its own, after the same work on something small: bytes beside
what was held before, those for each pixel, and what the method predicts. What the first work leaves for good is told
beside it; ``appetite.first`` is to cover that.
"""

import json
import subprocess
import sys

import torch

from srntt.match import MATCHERS, Match, Window
from srntt.memory._process import give_back, peak_bytes, resident_bytes, start_peak
from srntt.models import EncodedView
from srntt.models._drive import Drive
from srntt.upscale import Upscaler
from srntt.views import PlaneMap

_SIZES = {
    "encode": (160, 608, 1120), "alone": (80, 176, 304), "render 1": (80, 176, 304), "render 3": (80, 176, 304),
    "exact": (16, 48, 144), "fast": (48, 144, 432),
}  # fmt: skip
_WIDTH, _BAND = 752, 48
_SMALL = 16


def main(model: str) -> None:
    """Print a table."""
    for work, sizes in _SIZES.items():
        for size in sizes:
            line = subprocess.run(
                [sys.executable, __file__, model, work, str(size)], check=True, capture_output=True, text=True
            ).stdout
            pixels, taken, predicted, first = json.loads(line)
            verdict = "" if taken <= predicted else "  TOO LITTLE"
            print(
                f"{work:8} {size:5} {pixels:9} pixels {taken / 1e6:8.1f} MB {taken / pixels:8.0f} bytes a pixel, "
                f"predicted {predicted / 1e6:8.1f} MB{verdict}; first {first / 1e6:6.1f} MB",
                flush=True,
            )


@torch.inference_mode()
def measure(model: str, work: str, size: int) -> None:
    """Do one piece of work and print its pixels, the bytes it took and should have taken, and what the first left."""
    drive = Upscaler.from_pretrained(model, device="cpu")._drive
    torch.manual_seed(0)
    start = resident_bytes()
    reference = EncodedView(0, "", "plain", 400, 400, PlaneMap(), drive.encode(torch.rand(3, 400, 400)))
    _work(drive, work, _SMALL, reference)
    give_back()
    held = resident_bytes()
    pixels, predicted, kept = _work(drive, work, size, reference)
    print(json.dumps([pixels, peak_bytes() - held - kept, predicted, held - start]))


def _work(drive: Drive, work: str, size: int, reference: EncodedView) -> tuple[int, int, int]:
    """Do it; returns its pixels, what it is predicted to take, and what of that its results and inputs are."""
    appetite = drive.appetite
    rows, columns = (size, size) if work[0] in "ar" else (size, _WIDTH)
    pixels = rows * columns
    picture = torch.rand(3, rows, columns)
    many = [reference] * int(work[-1]) if work[-1].isdigit() else [reference]
    match, candidates = None, 0
    if work.startswith("render"):
        match = _stretched(drive.match(picture[:, :_SMALL], many, 32, MATCHERS["exact"], _silent), rows)
        candidates = len(match.similarity)
    start_peak()
    if work in ("exact", "fast"):
        found = drive.match(picture, many, _BAND, MATCHERS[work], _silent)
        keys = [item.maps[drive.key][0].numel() for item in many]
        predicted = drive.matching_bytes(MATCHERS[work], (rows, columns), keys, _BAND, torch.get_num_threads())
        kept = found.bytes
        return pixels, predicted, kept + picture.nbytes
    if work == "encode":
        kept = sum(tensor.nbytes for tensor in drive.encode(picture).values())
        return pixels, pixels * appetite.encode, kept + picture.nbytes
    drive.render(picture, match, Window(slice(None), slice(None)), many)
    if match is None:
        return pixels, pixels * appetite.alone, picture.nbytes
    kept = match.bytes
    return pixels, pixels * (appetite.render + appetite.another * (candidates - 1)), kept + picture.nbytes


def _stretched(match: Match, rows: int) -> Match:
    """The same matches again and again, down to so many rows."""
    again = torch.arange(rows) % match.similarity.shape[1]
    reference, position, similarity = (x[:, again] for x in (match.reference, match.position, match.similarity))
    return Match(reference, position, similarity, match.evidence[:, :, again], match.frame)


def _silent(stage: str, done: int, total: int) -> None:
    pass


if __name__ == "__main__":
    if len(sys.argv) == 4:
        measure(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    else:
        main(sys.argv[1])
