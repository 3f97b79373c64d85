"""A tiny model, pictures made on the spot, and files of them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin


def pixels(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Blocks of colour: something to match."""
    blocks = np.random.default_rng(seed).integers(0, 256, (-(-height // 4), -(-width // 4), 3), np.uint8)
    return blocks.repeat(4, 0).repeat(4, 1)[:height, :width]


@pytest.fixture(autouse=True)
def own_speeds(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Measured speeds are kept apart from those of the user."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with small.png (20x14, with a comment and EXIF), sharp.png (64x48), other.png (40x40), bad.png."""
    comment = PngImagePlugin.PngInfo()
    comment.add_text("Comment", "taken at home")
    exif = Image.Exif()
    exif[0x010F] = "a maker"
    Image.fromarray(pixels(14, 20)).save(tmp_path / "small.png", pnginfo=comment, exif=exif)
    Image.fromarray(pixels(48, 64, seed=1)).save(tmp_path / "sharp.png")
    Image.fromarray(pixels(40, 40, seed=2)).save(tmp_path / "other.png")
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nand no more")
    return tmp_path
