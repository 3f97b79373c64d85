"""Outputs of a method, as files."""

from pathlib import Path

import numpy as np
from evaluate.pictures import PAIRS, bicubic
from PIL import Image

from srntt.data import read_pairs
from srntt.evaluate._prepare import prepare
from srntt.metrics import round_to_bytes


def write_outputs(data: Path, folder: Path, ending: str = "_x4.png") -> Path:
    """What bicubic makes of each target."""
    folder.mkdir()
    for pair in read_pairs(data):
        whole = round_to_bytes(bicubic(prepare(PAIRS, pair, "none").low_res, []).picture)
        pixels = np.rint(whole.transpose(1, 2, 0) * 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{pair.target.stem}{ending}")
    return folder
