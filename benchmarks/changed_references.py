"""What a reference still gives once it is enlarged, rotated, or seen from another side.

    python benchmarks/changed_references.py shared/data/refpairs-dev [--only castle/2 fox/1] [--longest 544]

Each target is reduced by the factor of the model (Pillow, bicubic) and upscaled without a reference, with its first
reference unchanged, and with that reference changed by Pillow: enlarged by Lanczos; rotated, or given a perspective
whose corners are moved by 5 to 10 % of the size, by bicubic interpolation. Reported are the gain in PSNR-Y over no
reference, with as many pixels cropped as the factor, how much of it each change loses, and the reference as `srntt
upscale` describes it. Exit code 1: a change loses more than 0.15 dB.
"""

import argparse
import json
import statistics
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from srntt import Upscaler
from srntt.metrics import psnr_y

_MOST_LOST = 0.15  # dB
SMALLER = "perspective, smaller"  # loses detail itself
_CORNERS = ((0.10, 0.05), (0.05, 0.95), (0.92, 0.93), (0.90, 0.08))  # where those of the picture go: left top, ...

Change = Callable[[Image.Image], Image.Image]


def main() -> int:
    """Print a row for each target, then the means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="a folder with index.json, as srntt evaluate --protocol pairs reads it")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these targets")
    parser.add_argument("--longest", type=int, help="pixels of the longer side to which photographs are reduced first")
    parser.add_argument("--model", default="lite-rec")
    given = parser.parse_args()
    upscaler = Upscaler.from_pretrained(given.model, device="cpu")
    print(f"| target | gain | {' | '.join(CHANGES)} |\n|{'---|' * (2 + len(CHANGES))}", flush=True)
    rows = []
    for item in json.loads((given.data / "index.json").read_text(encoding="utf-8")):
        if not given.only or item["name"] in given.only:
            pictures = (opened(given.data / name, given.longest) for name in (item["target"], item["refs"][0]))
            rows.append(lost(upscaler, *pictures))
            _print_row(item["name"], rows[-1])
    _print_row("mean", [statistics.mean(column) for column in zip(*rows, strict=True)])
    kept = [place for place, name in enumerate(CHANGES, 1) if name != SMALLER]
    return int(any(row[place] > _MOST_LOST for row in rows for place in kept))


def lost(upscaler: Upscaler, target: Image.Image, reference: Image.Image) -> list[float]:
    """The gain of the unchanged reference in dB, and what each change loses of it."""
    width, height = (pixels // upscaler.scale for pixels in target.size)
    truth = target.crop((0, 0, width * upscaler.scale, height * upscaler.scale))
    small = truth.resize((width, height), Image.Resampling.BICUBIC)

    def score(*references: Image.Image) -> float:
        made = upscaler.upscale(small, list(references) or None).image
        return psnr_y(_unit(made), _unit(truth), crop=upscaler.scale)

    none, unchanged = score(), score(reference)
    return [unchanged - none, *(unchanged - score(change(reference)) for change in CHANGES.values())]


def opened(path: Path, longest: int | None) -> Image.Image:
    """A photograph, reduced if it is larger."""
    with Image.open(path) as picture:
        picture = picture.convert("RGB")
    if longest:
        picture.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    return picture


def enlarged(factor: int) -> Change:
    """Larger by this factor."""
    return lambda picture: picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.LANCZOS)


def rotated(degrees: float) -> Change:
    """Rotated anticlockwise, with black corners."""
    return lambda picture: picture.rotate(degrees, Image.Resampling.BICUBIC, expand=True)


def in_perspective(times: float) -> Change:
    """Its corners moved inwards on a canvas so many times as large, with black around."""

    def change(picture: Image.Image) -> Image.Image:
        size = round(picture.width * times), round(picture.height * times)
        here, there = np.array(_CORNERS) * size, np.array([(0, 0), (0, 1), (1, 1), (1, 0)]) * picture.size
        rows = [
            row
            for (x, y), (u, v) in zip(here, there, strict=True)
            for row in ([x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y])
        ]
        back = np.linalg.solve(np.array(rows), there.ravel())
        return picture.transform(size, Image.Transform.PERSPECTIVE, back.tolist(), Image.Resampling.BICUBIC)

    return change


CHANGES: dict[str, Change] = {
    "2x": enlarged(2),
    "3x": enlarged(3),
    "30 degrees": rotated(30),
    "90 degrees": rotated(90),
    "180 degrees": rotated(180),
    "perspective": in_perspective(1.25),
    SMALLER: in_perspective(1.0),
}


def _print_row(name: str, row: list[float]) -> None:
    print(f"| {name} | {row[0]:+.2f} | {' | '.join(f'{each:.2f}' for each in row[1:])} |", flush=True)


def _unit(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture, np.float32).transpose(2, 0, 1) / 255


if __name__ == "__main__":
    raise SystemExit(main())
