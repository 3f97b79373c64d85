#!/usr/bin/env python3
"""Creates training pairs with a teacher from photographs: crops, and the output of another upscaler for each of them.

    python runs/teacher_pairs.py PHOTOGRAPHS... -o FOLDER [--count 1600] [--peer dat-light]

The peers must be installed (make peers). With DAT-light, one core takes about half a second for a crop of 256 x 256
pixels. An interrupted run resumes when it is started again. Example of a training run with these pairs:

    srntt train lite-rec --photographs PHOTOGRAPHS... --pairs FOLDER -o out/distilled --set start=lite-rec \
        --set schedule.frozen=true --set pairs.target=192 --set pairs.reference=256 --set schedule.alone=0.4
"""

import argparse
import random
from pathlib import Path

import numpy as np
from PIL import Image

from srntt.data import pictures_in
from srntt.evaluate import Upscale, open_peer

_SIDE, _SCALE = 256, 4
_TRIES = 3  # candidate crops, of which the one with the most texture is used
_ANY = 0.2  # fraction of crops that are used regardless of their texture


def main() -> None:
    """Write the requested number of pairs."""
    parser = argparse.ArgumentParser(description="Creates training pairs with a teacher from photographs.")
    parser.add_argument("photographs", nargs="+", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--count", type=int, default=1600)
    parser.add_argument("--peer", default="dat-light")
    given = parser.parse_args()
    listed = [pictures_in(folder, "Give folders of photographs.") for folder in given.photographs]
    files = [file for files in listed for file in files.values()]
    for part in ("input", "teacher"):
        (given.output / part).mkdir(parents=True, exist_ok=True)
    with open_peer(given.peer, _SCALE) as peer:
        for number in range(given.count):
            if not (given.output / "teacher" / f"{number:05}.png").exists():
                _write_pair(given.output, number, files, peer.upscale)


def _write_pair(folder: Path, number: int, files: list[Path], upscale: Upscale) -> None:
    """The output of the teacher is written last: if it exists, the pair is complete."""
    chance = random.Random(number)
    target = _textured_crop(files, chance)
    low_res = target.resize((_SIDE // _SCALE, _SIDE // _SCALE), Image.Resampling.BICUBIC)
    picture = upscale(np.asarray(low_res), []).picture.clip(0, 1)
    taught = Image.fromarray((picture.transpose(1, 2, 0) * 255).round().astype(np.uint8))
    for part, image in (("input", target), ("teacher", taught)):
        image.save(folder / part / f"{number:05}.png")


def _textured_crop(files: list[Path], chance: random.Random) -> Image.Image:
    while True:
        picture = Image.open(chance.choice(files)).convert("RGB")
        if min(picture.size) >= _SIDE:
            break
    tries = 1 if chance.random() < _ANY else _TRIES
    return max((_crop(picture, chance) for _ in range(tries)), key=_texture)


def _crop(picture: Image.Image, chance: random.Random) -> Image.Image:
    x, y = (chance.randint(0, extent - _SIDE) for extent in picture.size)
    return picture.crop((x, y, x + _SIDE, y + _SIDE))


def _texture(crop: Image.Image) -> float:
    gray = np.asarray(crop.convert("L"), np.float32)
    return float(np.abs(np.diff(gray, axis=0)).mean() + np.abs(np.diff(gray, axis=1)).mean())


if __name__ == "__main__":
    main()
