"""Tiny stand-ins of the public test sets: the right names, small random pictures."""

from pathlib import Path

import numpy as np
from evaluate.pictures import scene
from PIL import Image


def write(file: Path, height: int, width: int, seed: int) -> np.ndarray:
    file.parent.mkdir(parents=True, exist_ok=True)
    pixels = scene(height, width, seed)
    Image.fromarray(pixels).save(file)
    return pixels


def cufed5(folder: Path, groups: int = 2, sizes: tuple[tuple[int, int], ...] = ((38, 45),) * 6) -> Path:
    """Groups of a target and five references; ``sizes`` (height, width) of 0 to 5."""
    for group in range(groups):
        for number, (height, width) in enumerate(sizes):
            write(folder / f"{group:03d}_{number}.png", height, width, 10 * group + number)
    return folder


def sun80(folder: Path, targets: int = 2, references: int = 4) -> Path:
    for number in range(targets):
        write(folder / "Sun_Hays_SR_groundtruth" / f"scene_{number}.jpg", 37, 42, number)
        for match in range(references):
            write(folder / "Sun_Hays_SR_scenematches" / f"scene_{number}.jpg" / f"m{match:02d}.jpg", 30, 33, match)
    return folder


def wr_sr(folder: Path, targets: int = 2) -> Path:
    for number in range(1, targets + 1):
        write(folder / "input" / f"{number:03d}.png", 37, 42, number)
        write(folder / "ref" / f"{number:03d}_ref.png", 41, 36, number)
    return folder


def flat(folder: Path, names: tuple[str, ...]) -> Path:
    for seed, name in enumerate(names):
        write(folder / name, 37, 42, seed)
    return folder


def selfexsr(folder: Path, targets: int = 5) -> Path:
    for number in range(1, targets + 1):
        pixels = write(folder / f"img_{number:03d}_SRF_4_HR.png", 36, 40, number)
        low_res = Image.fromarray(pixels).resize((10, 9), Image.Resampling.BOX)
        low_res.save(folder / f"img_{number:03d}_SRF_4_LR.png")
    return folder
