"""Pictures made on the spot, and what a folder holds."""

from pathlib import Path

import numpy as np
from PIL import Image


def pixels(height: int, width: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    """A blocky picture with some noise, uint8."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(40, 200, (height // 8 + 1, width // 8 + 1, channels))
    blocks = coarse.repeat(8, 0).repeat(8, 1)[:height, :width]
    return (blocks + rng.integers(0, 20, blocks.shape)).astype(np.uint8)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, hidden ones included, with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def size_and_mode(file: Path) -> tuple[int, int, str]:
    """Width, height and Pillow's mode, by Pillow alone."""
    with Image.open(file) as image:
        image.load()
        return image.width, image.height, image.mode
