"""PSNR of a model in training on a folder of reference pairs."""

import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from srntt._shapes import Float
from srntt.features import as_uint8
from srntt.image import bicubic_pillow, load
from srntt.network import Lite
from srntt.train._step import bring_textures

_BORDER = 4


@torch.no_grad()
def validate(model: Lite, folder: Path, device: torch.device) -> dict[str, float]:
    """Mean PSNR-Y with the first reference, an unrelated one, and none."""
    scores: dict[str, list[float]] = {"first": [], "unrelated": [], "none": []}
    for entry in json.loads((folder / "index.json").read_text()):
        target = _load(folder / entry["target"], device)
        low_res = bicubic_pillow(target, (target.shape[2] // 4, target.shape[3] // 4))
        for kind, file in (("first", entry["refs"][0]), ("unrelated", entry["unrelated"]), ("none", None)):
            reference = _load(folder / file, device) if file else None
            scores[kind].append(_psnr_y(as_uint8(_upscaled(model, low_res, reference)), target))
    return {kind: float(np.mean(values)) for kind, values in scores.items()}


def _upscaled(
    model: Lite, low_res: Float[Tensor, "1 3 h w"], reference: Float[Tensor, "1 3 H W"] | None
) -> Float[Tensor, "1 3 H2 W2"]:
    """The whole picture at once, with one reference."""
    return model(low_res, None if reference is None else bring_textures(model, low_res, reference).textures)


def _load(file: Path, device: torch.device) -> Float[Tensor, "1 3 H W"]:
    picture = load(file).to_8bit().rgb()
    height, width = (extent // 4 * 4 for extent in picture.shape[1:])
    return picture[None, :, :height, :width].to(device)


def _psnr_y(output: Float[Tensor, "1 3 H W"], target: Float[Tensor, "1 3 H W"]) -> float:
    weight = output.new_tensor([65.481, 128.553, 24.966])[:, None, None]
    error = ((output - target) * weight).sum(1)[..., _BORDER:-_BORDER, _BORDER:-_BORDER]
    return float(10 * torch.log10(255**2 / error.square().mean()))
