"""Eight times as large: two passes with a reference, two without, one pass enlarged by bicubic, and bicubic alone.

    python benchmarks/eight_times.py shared/data/refpairs-dev [--count 5]

Each target is cropped to multiples of 8 and reduced 8 times by Pillow's bicubic. PSNR on Y in dB, 8 pixels cropped.
"""

import argparse
import json
import statistics
from pathlib import Path

import numpy as np
from PIL import Image

from srntt import Upscaler
from srntt.metrics import psnr_y

_FACTOR = 8
_WAYS = ("bicubic", "two passes, no reference", "4x with the reference, then bicubic", "two passes, first reference")


def main() -> None:
    """Print a row for each target, then the means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="a folder with index.json, as srntt evaluate --protocol pairs reads it")
    parser.add_argument("--count", type=int, default=None, help="the first so many targets")
    parser.add_argument("--model", default="lite-rec")
    given = parser.parse_args()
    upscaler = Upscaler.from_pretrained(given.model)
    rows = []
    print("target | " + " | ".join(_WAYS) + " | share", flush=True)
    for item in json.loads((given.data / "index.json").read_text(encoding="utf-8"))[: given.count]:
        scores, share = _scores(upscaler, given.data / item["target"], given.data / item["refs"][0])
        rows.append(scores)
        print(f"{item['name']} | " + " | ".join(f"{each:.2f}" for each in scores) + f" | {share:.0%}", flush=True)
    print("mean | " + " | ".join(f"{statistics.mean(column):.2f}" for column in zip(*rows, strict=True)))


def _scores(upscaler: Upscaler, target: Path, reference: Path) -> tuple[list[float], float]:
    with Image.open(target) as opened:
        width, height = (pixels // _FACTOR * _FACTOR for pixels in opened.size)
        truth = opened.convert("RGB").crop((0, 0, width, height))
    small = truth.resize((width // _FACTOR, height // _FACTOR), Image.Resampling.BICUBIC)
    references = upscaler.encode_references([reference])
    one, two = (upscaler.upscale(small, references, scale=scale) for scale in (upscaler.scale, _FACTOR))
    outputs = [small, upscaler.upscale(small, scale=_FACTOR).image, one.image, two.image]
    enlarged = (output.resize(truth.size, Image.Resampling.BICUBIC) for output in outputs)
    return [psnr_y(_unit(output), _unit(truth), crop=_FACTOR) for output in enlarged], two.references[0].share


def _unit(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture, np.float32).transpose(2, 0, 1) / 255


if __name__ == "__main__":
    main()
