"""What `srntt stack` gives for real bursts, focus stacks and exposure brackets, against the first picture alone.

    python benchmarks/stack.py NAME=FILE,FILE,... [...] [--side 512] [--noise 0]

The files of a stack are pictures of one size, or films, of which the first six frames are taken. The central square of
each, of so many pixels, is reduced by four (bicubic), gets noise of so many levels of 255, and is restored by
`lite-rec`: the first one alone, and the stack.
PSNR is that of luma against the first picture.
"""

import sys
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import torch

from srntt import Upscaler
from srntt.image import Limits, Picture, load, reduce
from srntt.metrics import psnr_y
from srntt.video import open_clip, upscale_stack

_SCALE, _CROP, _FRAMES = 4, 8, 6
_FILMS = (".mp4", ".mkv", ".mov", ".webm", ".avi")


def main(words: list[str]) -> None:
    """Measure each stack and print a table."""
    side, noise = (
        int(words[words.index(name) + 1]) if name in words else usual
        for name, usual in (("--side", 512), ("--noise", 0))
    )
    upscaler = Upscaler.from_pretrained("lite-rec", device="cpu")
    print("| stack | pictures | bicubic | first alone | stack |\n|---|---|---|---|---|")
    for word in words:
        name, _, files = word.partition("=")
        if not files:
            continue
        large = [_center(pixels, side) for path in files.split(",") for pixels in _pictures(Path(path))]
        rng = np.random.default_rng(0)
        small = [_reduced(pixels, rng.normal(0, noise, (side // _SCALE, side // _SCALE, 3))) for pixels in large]
        made = (
            cv2.resize(small[0], None, fx=_SCALE, fy=_SCALE, interpolation=cv2.INTER_CUBIC),
            upscaler.upscale(small[0]).array,
            upscale_stack(upscaler, list(small), _SCALE).color,
        )
        figures = " | ".join(f"{_psnr(each, large[0]):.2f}" for each in made)
        print(f"| {name} | {len(large)} | {figures} |", flush=True)


def _pictures(path: Path) -> list[np.ndarray]:
    if path.suffix.lower() in _FILMS:
        return [frame.picture.color for frame in islice(open_clip(path, Limits()).frames(), _FRAMES)]
    return [load(path).color]


def _center(pixels: np.ndarray, side: int) -> np.ndarray:
    height, width = (min(extent, side) // _SCALE * _SCALE for extent in pixels.shape[:2])
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    return np.ascontiguousarray(pixels[top : top + height, left : left + width])


def _reduced(pixels: np.ndarray, noise: np.ndarray) -> np.ndarray:
    unit = torch.from_numpy(pixels.astype(np.float32) / 255).permute(2, 0, 1)[None].contiguous()
    small = reduce(unit, _SCALE)[0].permute(1, 2, 0).numpy() * 255
    return np.clip(np.rint(small + noise[: len(small), : small.shape[1]]), 0, 255).astype(np.uint8)


def _psnr(one: np.ndarray, other: np.ndarray) -> float:
    first, second = (Picture(np.ascontiguousarray(each)).rgb().numpy() for each in (one, other))
    return psnr_y(first, second, crop=_CROP)


if __name__ == "__main__":
    main(sys.argv[1:])
