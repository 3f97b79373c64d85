"""Predicted and measured memory of upscales by models of many configurations, each in a separate process.

    python benchmarks/memory.py [NAME ...]

Models have random weights: what they take depends on their sizes alone. A line is one upscale: its prediction, what the
operating system counted of the whole process, and the ratio. Above 1 the promise is broken; below 0.8 memory is given
away. NAME picks the cases whose text holds one of them.
"""

import json
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from srntt.features import VGG19Features
from srntt.models.lite import Lite, LiteConfig
from srntt.models.paper import PaperConfig, PaperSRNTT
from srntt.upscale import Upscaler


@dataclass(frozen=True)
class Case:
    """One upscale: LR height and width, references of so many pixels a side, matcher, what differs of the config, and
    whether the references show the same scene and are aligned.
    """

    size: tuple[int, int]
    references: int = 1
    side: int = 300
    matcher: str = "exact"
    architecture: str = "lite"
    aligned: bool = False
    config: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        config = ", ".join(f"{name} {value}" for name, value in self.config.items()) or "default"
        found = f"{self.references} of {self.side}, {self.matcher}" if self.references else "no reference"
        aligned = ", aligned" * self.aligned
        return f"{self.architecture}, {config}; {self.size[1]} x {self.size[0]}; {found}{aligned}"


_SHALLOW = {"content_blocks": 1, "transfer_blocks": 1}  # blocks follow one another: more of them take only weights


def _lite(size: tuple[int, int], references: int = 1, side: int = 300, matcher: str = "exact", **config: Any) -> Case:
    return Case(size, references, side, matcher, "lite", config=_SHALLOW | config)


def _aligned(size: tuple[int, int], references: int = 1, side: int = 300, **config: Any) -> Case:
    return Case(size, references, side, aligned=True, config=_SHALLOW | config)


def _paper(size: tuple[int, int], references: int = 1, side: int = 160, matcher: str = "exact", **config: Any) -> Case:
    return Case(size, references, side, matcher, "paper", config=config)


CASES = [
    _lite((24, 32), 0),
    _lite((24, 32), 1, 64),
    _lite((24, 32), 1, 64, "fast"),
    _lite((120, 160), channels=256, descriptor=256),
    _lite((200, 300), channels=128),
    _lite((200, 300), 3, channels=24, descriptor=40, scale=3),
    _lite((300, 400), channels=16, descriptor=256),
    _lite((300, 400), 1, 400, "fast", channels=16, descriptor=256),
    _lite((300, 400), 1, 600, "fast", channels=32),
    _lite((300, 400), 2),
    _lite((300, 400), 4, 400, channels=32, descriptor=16, scale=2),
    _lite((200, 300), 6, 200, channels=32, candidates=5),
    _lite((500, 700), 0, scale=3),
    _lite((500, 700), 0, channels=8),
    _lite((500, 700), 1, 300, channels=8, descriptor=8, scale=2),
    _aligned((60, 80), side=200),
    _aligned((120, 160), channels=256, descriptor=256),
    _aligned((300, 400), 3, 600, channels=16, descriptor=16),
    _aligned((300, 400), 2, 800, channels=32, scale=3),
    _aligned((500, 700), 1, 700, channels=8, descriptor=8, scale=2),
    _aligned((700, 1000), 1, 1400, channels=8, descriptor=8, scale=2),
    _paper((64, 80), 0),
    _paper((64, 80)),
    _paper((64, 80), gated=True),
    _paper((120, 140), 2, 320),
    _paper((64, 80), 1, 320, "fast"),
    _paper((64, 80), 1, 320, scale=8),
    _paper((48, 64), 1, 640, scale=16),
]


def main(names: list[str]) -> None:
    """Print a table."""
    print(f"{'predicted':>10} {'measured':>10} {'ratio':>6}")
    for number, case in enumerate(CASES):
        if names and not any(name in str(case) for name in names):
            continue
        command = [sys.executable, __file__, "--case", str(number)]
        line = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        predicted, measured = json.loads(line)
        print(f"{predicted / 1e6:7.0f} MB {measured / 1e6:7.0f} MB {measured / predicted:6.2f}  {case}", flush=True)


def measure(case: Case) -> None:
    """Upscale, and print the predicted and the measured memory."""
    align = "auto" if case.aligned else "off"
    upscaler = Upscaler(_model(case), device="cpu", matcher=case.matcher, align=align)
    low_res, pictures = _scene(case, upscaler.scale) if case.aligned else _noise(case)
    result = upscaler.upscale(low_res, upscaler.encode_references(pictures) if pictures else None)
    assert all(used.placement for used in result.references) or not case.aligned
    print(json.dumps([result.predicted_bytes, result.peak_bytes]))


def _noise(case: Case) -> tuple[np.ndarray, list[np.ndarray]]:
    random = np.random.default_rng(0)
    shape = (case.side, case.side, 3)
    pictures = [random.integers(0, 256, shape, dtype=np.uint8) for _ in range(case.references)]
    return random.integers(0, 256, (*case.size, 3), dtype=np.uint8), pictures


def _scene(case: Case, scale: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """A low-resolution image, and references cropped from it before downscaling."""
    height, width = (extent * scale for extent in case.size)
    random, scene = np.random.default_rng(0), np.zeros((8, 8, 3), np.float32)
    while min(len(scene) - height, scene.shape[1] - width) < 0:
        scene = 0.7 * scene.repeat(2, 0).repeat(2, 1)
        scene += 0.3 * random.random(scene.shape, np.float32)
    scene = (scene[:height, :width] * 255).astype(np.uint8)
    starts = [16 * number for number in range(case.references)]
    pictures = [scene[start : start + case.side, start : start + case.side].copy() for start in starts]
    low_res = scene.reshape(case.size[0], scale, case.size[1], scale, 3).mean((1, 3), dtype=np.float32)
    return low_res.round().astype(np.uint8), pictures


def _model(case: Case) -> Lite | PaperSRNTT:
    if case.architecture == "lite":
        return Lite(LiteConfig(**case.config))
    model = PaperSRNTT(PaperConfig(**case.config))
    model._vgg19.append(VGG19Features(model.config.phi))
    return model


if __name__ == "__main__":
    if sys.argv[1:2] == ["--case"]:
        measure(CASES[int(sys.argv[2])])
    else:
        main(sys.argv[1:])
