"""Pictures made on the spot, and what a folder shows of them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image


def pixels(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A blocky picture with some noise, uint8."""
    rng = np.random.default_rng(seed)
    blocks = rng.integers(40, 200, (height // 8 + 1, width // 8 + 1, 3)).repeat(8, 0).repeat(8, 1)[:height, :width]
    return (blocks + rng.integers(0, 20, blocks.shape)).astype(np.uint8)


def write_pictures(folder: Path, names: Sequence[str], *, size: tuple[int, int] = (20, 14), seed: int = 0) -> None:
    """A picture of each name, no two alike; folders are made."""
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels(size[1], size[0], seed + number)).save(path)


def shown(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, with its bytes, but not what srntt keeps there."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    names = {path.relative_to(folder).as_posix(): path for path in files}
    return {name: path.read_bytes() for name, path in names.items() if not name.startswith(".srntt-batch/")}
