"""PSNR of a model in training on a folder of reference pairs."""

import json
from pathlib import Path

import numpy as np
import torch
from torch import nn

from srntt._shapes import Float, UInt8
from srntt.errors import InputError
from srntt.image import bicubic_pillow, load
from srntt.upscale import Upscaler

_BORDER = 4
_SCALE = 4
_LUMA = np.array([65.481, 128.553, 24.966]) / 255  # of BT.601 in studio range


def validate(model: nn.Module, folder: Path, device: torch.device) -> dict[str, float]:
    """Mean PSNR-Y with the first reference, all of them, an unrelated one (of pairs that name one), and none, as
    ``srntt evaluate`` would have it, with a border of 4 pixels left out.

    Raises:
        InputError: the folder has no index.json of pairs.
    """
    upscaler = Upscaler(model, device=device)
    scores: dict[str, list[float]] = {"first": [], "all": [], "unrelated": [], "none": []}
    for entry in read_entries(folder):
        target = _cropped(folder / entry["target"])
        low_res = bicubic_pillow(target, (target.shape[1] // _SCALE, target.shape[2] // _SCALE))
        chosen = {"first": entry["refs"][:1], "all": entry["refs"], "none": []}
        if entry["unrelated"]:
            chosen["unrelated"] = [entry["unrelated"]]
        for kind, files in chosen.items():
            references = upscaler.encode_references([folder / file for file in files])
            scores[kind].append(_psnr_y(upscaler.upscale(low_res, references).array, target))
    return {kind: float(np.mean(values)) for kind, values in scores.items() if values}


def read_entries(folder: Path) -> list[dict]:
    """Its pairs: target, refs, and unrelated or None; the files are there.

    Raises:
        InputError: no index.json of pairs, or a file that is missing.
    """
    try:
        listed = json.loads((folder / "index.json").read_text())
        entries = [{"target": e["target"], "refs": list(e["refs"]), "unrelated": e.get("unrelated")} for e in listed]
        files = [folder / file for e in entries for file in (e["target"], *e["refs"], e["unrelated"]) if file]
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(
            f"{folder} is no folder of pairs to validate on: it needs an index.json, a list of "
            "{target, refs}, or {target, refs, unrelated}, with the files beside it."
        ) from error
    if missing := [file for file in files if not file.is_file()]:
        raise InputError(f"{folder / 'index.json'} names {missing[0].name}, which is not there.")
    return entries


def _cropped(file: Path) -> Float[torch.Tensor, "3 H W"]:
    picture = load(file).to_8bit().rgb()
    height, width = (extent // _SCALE * _SCALE for extent in picture.shape[1:])
    return picture[:, :height, :width]


def _psnr_y(output: UInt8[np.ndarray, "H W 3"], target: Float[torch.Tensor, "3 H W"]) -> float:
    difference = (output - 255.0 * target.permute(1, 2, 0).double().numpy()) @ _LUMA
    kept = difference[_BORDER:-_BORDER, _BORDER:-_BORDER]
    return float(10 * np.log10(255**2 / np.square(kept).mean()))
