"""Measure what a kind of model takes in memory: the figures behind each method's ``appetite``.

    python benchmarks/memory.py MODEL

Each line is one piece of work of one size in a process of its own: bytes beside what was held before, and those for
each pixel.
"""

import json
import subprocess
import sys

import torch

from srntt.upscale import Upscaler
from srntt.upscale._memory import peak_bytes, resident_bytes, start_peak
from srntt.upscale._method import View
from srntt.upscale._references import EncodedReference

_SIZES = {"render": (80, 112, 176, 240, 304), "match": (16, 48, 144), "encode": (160, 608, 1120)}
_WIDTH = 752


def main(model: str) -> None:
    """Print a table."""
    for work, sizes in _SIZES.items():
        for size in sizes:
            line = subprocess.run(
                [sys.executable, __file__, model, work, str(size)], check=True, capture_output=True, text=True
            ).stdout
            pixels, taken = json.loads(line)
            print(f"{work:7} {size:5} {pixels:9} pixels {taken / 1e6:8.1f} MB {taken / pixels:10.0f} bytes a pixel")


def measure(model: str, work: str, size: int) -> None:
    """Do one piece of work and print its pixels and the bytes it took."""
    method = Upscaler.from_pretrained(model, device="cpu")._method
    torch.manual_seed(0)
    with torch.inference_mode():
        reference = EncodedReference(0, "", 400, 400, ((1, 0, 0), (0, 1, 0)), method.encode(torch.rand(3, 400, 400)))
        rows, columns = (size, size) if work == "render" else (size, _WIDTH)
        picture = torch.rand(3, rows, columns)
        many = [reference] * 4  # more than the candidates of a position
        field = method.match(picture, many, 32, lambda *_: None) if work == "render" else None
        held = resident_bytes()
        start_peak()
        if work == "render":
            method.render(picture, field, View(slice(None), slice(None)), many)
        elif work == "match":
            method.match(picture, many, rows, lambda *_: None)
        else:
            kept = method.encode(picture)
            held += sum(tensor.nbytes for tensor in kept.values())
    print(json.dumps([rows * columns, peak_bytes() - held]))


if __name__ == "__main__":
    if len(sys.argv) == 4:
        measure(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    else:
        main(sys.argv[1])
