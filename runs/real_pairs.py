#!/usr/bin/env python3
"""Ready-made pairs out of real photographs of the same scenes, with their references in the frames of the targets.

    python runs/real_pairs.py PAIRS -o FOLDER [--crops 2]

PAIRS/index.json lists {name, target, refs}: SCENE/NUMBER, a file, and files of the same scene, most similar first.
References are placed by geometry against the reduced target, as srntt upscale does. Each crop has a part of the
target, the part of the reference that shows it, and the aligned view; an eighth of them have a reference of another
scene instead. One core takes about three seconds a target. It continues where it was stopped. FOLDER may be that of
teacher_pairs.py. Then, for instance:

    srntt train lite-rec --photographs corpus --pairs FOLDER -o out/lite-rec --set start=lite-rec \
        --set schedule.frozen=true --set pairs.target=192 --set pairs.reference=256
"""

import argparse
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image

from srntt.image import load, resize_pillow
from srntt.views import View
from srntt.views.aligned import AlignedView, Original, align

_SIDE, _SCALE = 256, 4
_MOST_REFERENCES = 2  # of a target
_UNRELATED = 0.125


class _Pair(NamedTuple):
    scene: str
    target: Path
    references: list[Path]


def main() -> None:
    """Write the pairs of each target."""
    parser = argparse.ArgumentParser(description="Ready-made pairs out of photographs of the same scenes.")
    parser.add_argument("pairs", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--crops", type=int, default=2, help="of each target and reference")
    given = parser.parse_args()
    for part in ("input", "ref", "aligned"):
        (given.output / part).mkdir(parents=True, exist_ok=True)
    listed = json.loads((given.pairs / "index.json").read_text("utf-8"))
    pairs = [
        _Pair(one["name"].split("/")[0], given.pairs / one["target"], [given.pairs / file for file in one["refs"]])
        for one in listed
    ]
    for number, pair in random.Random(0).sample(list(enumerate(pairs)), len(pairs)):  # every scene early
        last = f"real-{number:04}-{min(_MOST_REFERENCES, len(pair.references)) - 1}-{given.crops - 1}.png"
        if not (given.output / "input" / last).exists():
            _write(given.output, number, pair, pairs, given.crops)


def _write(folder: Path, number: int, pair: _Pair, pairs: Sequence[_Pair], crops: int) -> None:
    """The target comes last: where it is, the pair is whole."""
    chance = random.Random(number)
    target = _pixels(pair.target)
    for place, file in enumerate(pair.references[:_MOST_REFERENCES]):
        reference = _pixels(file)
        view = _aligned(target, file)
        for crop in range(crops):
            name = f"real-{number:04}-{place}-{crop}.png"
            y, x = (chance.randrange(0, extent - _SIDE + 1, _SCALE) for extent in target.shape[:2])
            shown = None if view is None else _middle_in_reference(view, y, x)
            if chance.random() < _UNRELATED:
                other = _pixels(chance.choice([other for other in pairs if other.scene != pair.scene]).target)
                _save(_around(other, other.shape[0] / 2, other.shape[1] / 2), folder / "ref" / name)
            elif view is not None and shown is not None:
                _save(_around(reference, *shown), folder / "ref" / name)
                _save(_transparent(view, y, x), folder / "aligned" / name)
            else:
                middle = [(at + _SIDE / 2) / size for at, size in zip((y, x), target.shape[:2], strict=True)]
                _save(
                    _around(reference, middle[0] * reference.shape[0], middle[1] * reference.shape[1]),
                    folder / "ref" / name,
                )
            _save(target[y : y + _SIDE, x : x + _SIDE], folder / "input" / name)


def _aligned(target: np.ndarray, file: Path) -> View | None:
    """The reference in the frame of the target, as srntt upscale finds it; None where nothing is found."""
    height, width = (extent // _SCALE for extent in target.shape[:2])
    low_res = load(resize_pillow(target, (height, width))).rgb()
    original = Original.of(0, load(file))
    placement = align(low_res, original.features)
    return None if placement is None else AlignedView(original.pixels, placement, _SCALE).view()


def _middle_in_reference(view: View, y: int, x: int) -> tuple[float, float] | None:
    """Where a crop of the target lies in the reference; None where the view shows nothing of it."""
    assert view.valid is not None
    places = view.valid[y : y + _SIDE, x : x + _SIDE].nonzero()
    if not len(places):
        return None
    points = view.to_original(places.double() + torch.tensor([y, x]))
    return tuple(points.median(0).values.tolist())


def _transparent(view: View, y: int, x: int) -> np.ndarray:
    assert view.valid is not None
    rows, columns = slice(y, y + _SIDE), slice(x, x + _SIDE)
    colour = (view.rows(y, y + _SIDE)[..., columns] * 255).round().byte().permute(1, 2, 0)
    return torch.cat([colour, view.valid[rows, columns, None].byte() * 255], 2).numpy()


def _around(pixels: np.ndarray, y: float, x: float) -> np.ndarray:
    """A crop with its middle as near to a place as the picture allows."""
    top, left = (
        int(min(max(0, at - _SIDE / 2), extent - _SIDE)) for at, extent in zip((y, x), pixels.shape[:2], strict=True)
    )
    return pixels[top : top + _SIDE, left : left + _SIDE]


def _pixels(file: Path) -> np.ndarray:
    """8 bits a sample, cut to whole LR pixels."""
    pixels = np.asarray(Image.open(file).convert("RGB"))
    height, width = (extent // _SCALE * _SCALE for extent in pixels.shape[:2])
    return pixels[:height, :width]


def _save(pixels: np.ndarray, file: Path) -> None:
    Image.fromarray(np.ascontiguousarray(pixels)).save(file)


if __name__ == "__main__":
    main()
