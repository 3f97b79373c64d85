"""Predicted against measured time of whole upscales over a table of sizes, after one that calibrates.

    python benchmarks/predicted_time.py [--cpu] [--model lite-rec] [--largest 500]

Images are resized from examples/motorcycle. Calibration is stored in a temporary cache; yours is not changed. ``--cpu``
counts CPU seconds, for machines that do something else meanwhile. Exits with 1 where a prediction is off by more than a
factor of 1.5.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from srntt import Upscaler
from srntt.upscale import Schedule, Speeds, Workload

_EXAMPLE = Path(__file__).parent.parent / "examples" / "motorcycle"
_WITHIN = 1.5
_CASES = (  # width of the input, widths of references, scale; the first one calibrates
    (185, (741,), 4),
    (100, (), 4),
    (100, (400,), 4),
    (100, (1600,), 4),
    (250, (), 4),
    (250, (1000,), 2),
    (250, (741, 1000), 4),
    (125, (1000,), 8),
    (500, (1000,), 4),
    (500, (2000, 1000), 4),
)


def main() -> int:
    """Print a row for each case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cpu", action="store_true")
    parser.add_argument("--model", default="lite-rec")
    parser.add_argument("--largest", type=int, default=500, help="width of the largest input")
    given = parser.parse_args()
    clock = time.process_time if given.cpu else time.monotonic
    upscaler = Upscaler.from_pretrained(given.model, device="cpu")
    upscaler.upscale(_resized("low-res.png", 40), [_resized("reference.png", 160)])  # so that everything is loaded
    print("| input | references | scale | predicted s | measured s | ratio |\n|---|---|---|---|---|---|", flush=True)
    worst = 1.0
    with tempfile.TemporaryDirectory() as cache:
        os.environ["XDG_CACHE_HOME"] = cache
        for number, (width, references, scale) in enumerate(_CASES):
            if width > given.largest:
                continue
            ratio = _measure(upscaler, width, references, scale, clock, Path(cache), calibrates=number == 0)
            worst = worst if number == 0 else max(worst, ratio, 1 / ratio)
    print(f"off by a factor of {worst:.2f} at most")
    return int(worst > _WITHIN)


def _measure(upscaler, width, references, scale, clock, folder, *, calibrates) -> float:
    small, sharp = _resized("low-res.png", width), [_resized("reference.png", each) for each in references]
    sizes, output = [(each.height, each.width) for each in sharp], (small.height * scale, small.width * scale)
    load = Workload((small.height, small.width), sizes, output)
    units = [unit for unit in upscaler.units(load) if unit[0] != "start"]
    speeds = Speeds.of(upscaler.model_name, upscaler.device)
    schedule = Schedule(units, speeds, clock)
    encoded = upscaler.encode_references(sharp, progress=schedule) if sharp else None
    upscaler.upscale(small, encoded, scale=scale, progress=schedule).save(folder / "large.png", overwrite=True)
    measured, predicted = schedule.elapsed, schedule.predicted
    if calibrates:
        schedule.finish()
    about = ", ".join(f"{w} x {h}" for h, w in sizes) or "none"
    row = f"| {small.width} x {small.height} | {about} | {scale} | {predicted:.1f} | {measured:.1f} |"
    print(f"{row} {predicted / measured:.2f}{' (calibrates)' if calibrates else ''} |", flush=True)
    parts = {stage: round(schedule._measured.get(stage, 0.0), 2) for stage, _ in units}
    print(
        f"{parts} { ({stage: round(amount * speeds.seconds[stage], 2) for stage, amount in units}) }", file=sys.stderr
    )
    return predicted / measured


def _resized(name: str, width: int) -> Image.Image:
    with Image.open(_EXAMPLE / name) as opened:
        size = width, round(opened.height * width / opened.width)
        return opened.convert("RGB").resize(size, Image.Resampling.LANCZOS)


if __name__ == "__main__":
    sys.exit(main())
