"""A folder of pairs made on the spot."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from srntt.evaluate import PROTOCOLS, Peer, Upscale
from srntt.evaluate._peers import pillow

PAIRS = PROTOCOLS["pairs"]
bicubic = pillow("bicubic", 4)


def scene(height: int, width: int, seed: int) -> np.ndarray:
    """A smooth random picture, uint8."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (height // 6 + 2, width // 6 + 2, 3), np.uint8))
    return np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC))


def entry(**changes: Any) -> dict[str, Any]:
    """A whole entry of an index."""
    whole = {
        "name": "scene/1",
        "target": "target.png",
        "refs": ["near.png", "far.png"],
        "similarity": [0.9, 0.4],
        "unrelated": "other.png",
    }
    return {**whole, **changes}


def write_pairs(folder: Path, index: Any = None) -> Path:
    """Pictures of 61x50, and an index; by default of two targets."""
    folder.mkdir(exist_ok=True)
    for seed, name in enumerate(("target", "second", "near", "far", "other")):
        Image.fromarray(scene(50, 61, seed)).save(folder / f"{name}.png")
    index = [entry(), entry(name="scene/2", target="second.png")] if index is None else index
    (folder / "index.json").write_text(index if isinstance(index, str) else json.dumps(index), encoding="utf-8")
    return folder


def opening(name: str, upscale: Upscale) -> Callable[[int], AbstractContextManager[Peer]]:
    """A row of `PEERS` for one that looks to the journal like one of Pillow's."""
    return lambda scale: nullcontext(Peer(name, upscale, {"pillow": version("pillow")}))
