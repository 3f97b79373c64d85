"""Pictures that promises are tried on: parts of the shipped stereo pair, and references that are of no use."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "motorcycle"
CORNERS = ((240, 160), (80, 60), (400, 300))
BICUBIC = Image.Resampling.BICUBIC
_LUMA = np.array([65.481, 128.553, 24.966]) / 255


class Scene(NamedTuple):
    """A picture of 160 x 120, the same four times smaller, and what another camera saw there."""

    truth: np.ndarray
    low_res: np.ndarray
    good: np.ndarray


def scene(number: int) -> Scene:
    """One of three."""
    left, top = CORNERS[number]
    with Image.open(EXAMPLE / "truth.png") as picture:
        truth = picture.convert("RGB").crop((left, top, left + 160, top + 120))
    with Image.open(EXAMPLE / "reference.png") as picture:
        good = picture.convert("RGB").crop((left - 40, top - 30, left + 200, top + 150))
    return Scene(np.array(truth), np.array(truth.resize((40, 30), BICUBIC)), np.array(good))


def bad_references(scene: Scene) -> dict[str, np.ndarray]:
    """References that have nothing to give, or nothing that fits."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[:180, :240]
    gradient = np.stack([x, y, 240 - x], 2).astype(np.uint8)
    return {
        "black": np.zeros((64, 64, 3), np.uint8),
        "white": np.full((64, 64, 3), 255, np.uint8),
        "noise": random.integers(0, 256, (120, 160, 3), dtype=np.uint8),
        "gradient": gradient,
        "unrelated": np.asarray(
            Image.fromarray(random.integers(0, 256, (12, 16, 3), dtype=np.uint8)).resize((240, 180))
        ),
        "tiny": random.integers(0, 256, (4, 4, 3), dtype=np.uint8),
        "a line": random.integers(0, 256, (4, 300, 3), dtype=np.uint8),
        "negative": 255 - scene.good,
        "itself": scene.low_res,
        "rotated": np.array(Image.fromarray(scene.good).rotate(45)),
        "upside down": scene.good[::-1, ::-1].copy(),
        "mirrored": scene.good[:, ::-1].copy(),
        "flipped": scene.good[::-1].copy(),
    }


def turns(array: np.ndarray) -> list[np.ndarray]:
    """All eight, the unturned one first; `turned_back` takes the number of one."""
    return [np.ascontiguousarray(np.rot90(one, k)) for one in (array, array[:, ::-1]) for k in range(4)]


def turned_back(array: np.ndarray, number: int) -> np.ndarray:
    """The inverse of the turn of that number."""
    turned = np.rot90(array, -(number % 4))
    return turned[:, ::-1] if number >= 4 else turned


def psnr(output: np.ndarray, truth: np.ndarray) -> float:
    """PSNR-Y in decibels, 4 pixels cropped."""
    error = ((output.astype(float) - truth) @ _LUMA)[4:-4, 4:-4]
    return float(10 * np.log10(255**2 / (error**2).mean()))


def largest_difference(one: np.ndarray, other: np.ndarray) -> float:
    """In levels of 255."""
    assert one.dtype == other.dtype
    assert one.shape == other.shape
    return float(np.abs(one.astype(float) - other).max() * 255 / np.iinfo(one.dtype).max)
