import numpy as np
import pytest
from PIL import Image

from srntt.models.lite import LiteConfig
from srntt.train import Recipe, Schedule
from srntt.train.pairs._pair_range import PairRange


@pytest.fixture(scope="session")
def photograph_folder(tmp_path_factory):
    """Smooth, unmistakable pictures: sums of waves in random directions."""
    folder = tmp_path_factory.mktemp("photographs")
    random = np.random.default_rng(5)
    y, x = np.mgrid[:300, :340] / 16
    for number in range(2):
        waves = [np.sin(random.normal(0, 1) * y + random.normal(0, 1) * x + random.uniform(0, 6)) for _ in range(12)]
        colours = np.stack([sum(waves[i::3]) for i in range(3)], -1)
        Image.fromarray(((np.tanh(colours / 2) + 1) * 127).astype(np.uint8)).save(folder / f"{number}.png")
    return folder


@pytest.fixture(scope="session")
def recipe():
    """A tiny run."""
    return Recipe(
        config=LiteConfig(channels=8, content_blocks=1, transfer_blocks=1, descriptor=16),
        pairs=PairRange(target=48, reference=64, unrelated=0.0),
        schedule=Schedule(steps=6, batch=2, warmup=2, alone=0.3, precision="fp32", critic_warmup=1),
    )
