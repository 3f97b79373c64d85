"""PSNR of a model in training on a folder of reference pairs."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from srntt.data import Pair, ReferenceKind, as_unit, read_pairs, read_rgb
from srntt.image import resize_pillow
from srntt.metrics import psnr_y

_KINDS: tuple[ReferenceKind, ...] = ("first", "all", "unrelated", "none")


def validate(model: nn.Module, folder: Path, device: torch.device) -> dict[str, float]:
    """Mean PSNR-Y with the first reference, all of them, an unrelated one, and none, of the pairs that have such.

    The figures are those of ``srntt evaluate --protocol pairs``, or of its variant for the model's factor. A folder
    without an ``index.json`` of pairs is an InputError.
    """
    from srntt.upscale import Upscaler  # requires OpenCV, which a machine for training may lack

    upscaler = Upscaler(model, device=device)
    scores: dict[ReferenceKind, list[float]] = {kind: [] for kind in _KINDS}
    for pair in read_pairs(folder):
        whole = read_rgb(pair.target)
        height, width = (extent // upscaler.scale for extent in whole.shape[:2])
        target = whole[: height * upscaler.scale, : width * upscaler.scale]
        low_res = resize_pillow(target, (height, width))
        for kind in _kinds(pair):
            references = upscaler.encode_references(pair.chosen(kind))
            output = upscaler.upscale(low_res, references).array
            scores[kind].append(psnr_y(as_unit(output), as_unit(target), crop=upscaler.scale))
    return {kind: float(np.mean(values)) for kind, values in scores.items() if values}


def _kinds(pair: Pair) -> list[ReferenceKind]:
    """Those that the pair has pictures for."""
    there = {"first": pair.references, "all": pair.references, "unrelated": pair.unrelated, "none": True}
    return [kind for kind in _KINDS if there[kind]]
