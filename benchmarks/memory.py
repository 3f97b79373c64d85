"""Measure what a kind of model takes in memory: the figures behind each method's ``appetite``.

    python benchmarks/memory.py MODEL

Each line is one piece of work of one size in a process of its own: bytes beside what was held before, those for each
pixel, and what the appetite says, ``fixed`` included. What ``fast_match_bytes`` predicts is taken off fast matching.
"""

import json
import subprocess
import sys

import torch

from srntt.upscale import Upscaler
from srntt.upscale._matcher import Question
from srntt.upscale._memory import peak_bytes, resident_bytes, start_peak
from srntt.upscale._method import View
from srntt.upscale._references import EncodedReference

_SIZES = {"render": (80, 176, 304), "match": (16, 48, 144), "fast": (48, 144), "encode": (160, 608, 1120)}
_WIDTH = 752


def main(model: str) -> None:
    """Print a table."""
    for work, sizes in _SIZES.items():
        for size in sizes:
            line = subprocess.run(
                [sys.executable, __file__, model, work, str(size)], check=True, capture_output=True, text=True
            ).stdout
            pixels, taken, allowed = json.loads(line)
            each = f"{taken / pixels:8.0f} bytes a pixel"
            verdict = f"appetite {allowed / 1e6:8.1f} MB{'' if taken <= allowed else '  TOO LITTLE'}"
            print(f"{work:7} {size:5} {pixels:9} pixels {taken / 1e6:8.1f} MB {each}, {verdict}", flush=True)


def measure(model: str, work: str, size: int) -> None:
    """Do one piece of work and print its pixels, the bytes it took, and those that the appetite grants."""
    method = Upscaler.from_pretrained(model, device="cpu")._method
    appetite = method.appetite
    torch.manual_seed(0)
    with torch.inference_mode():
        reference = EncodedReference(0, "", 400, 400, ((1, 0, 0), (0, 1, 0)), method.encode(torch.rand(3, 400, 400)))
        rows, columns = (size, size) if work == "render" else (size, _WIDTH)
        picture = torch.rand(3, rows, columns)
        many = [reference] * 4  # more than the candidates of a position
        field = method.match(picture, many, 32, "exact", _silent) if work == "render" else None
        pixels = rows * columns
        if work == "fast":  # compiles, or loads what was compiled before
            method.match(picture[:, :16], many[:1], 32, "fast", _silent)
        held = resident_bytes()
        start_peak()
        if work == "render":
            method.render(picture, field, View(slice(None), slice(None)), many)
            allowed = pixels * appetite.render
        elif work == "match":
            method.match(picture, many, rows, "exact", _silent)
            allowed = pixels * (appetite.match + appetite.matched)
        elif work == "fast":
            method.match(picture, many, 32, "fast", _silent)
            held += Question.of(pixels, many, method).fast_bytes(0)
            allowed = pixels * (appetite.fast + appetite.matched) + 32 * columns * appetite.match
        else:
            kept = method.encode(picture)
            held += sum(tensor.nbytes for tensor in kept.values())
            allowed = pixels * appetite.encode
    print(json.dumps([pixels, peak_bytes() - held, allowed + appetite.fixed]))


def _silent(stage: str, done: int, total: int) -> None:
    pass


if __name__ == "__main__":
    if len(sys.argv) == 4:
        measure(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    else:
        main(sys.argv[1])
