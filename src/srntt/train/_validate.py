"""PSNR of a model in training on a folder of reference pairs."""

import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from srntt._shapes import Float
from srntt.features import as_uint8
from srntt.image import bicubic_pillow, load
from srntt.network import Lite, Textures
from srntt.train._lite_step import bring_textures

_BORDER = 4


@torch.no_grad()
def validate(model: Lite, folder: Path, device: torch.device) -> dict[str, float]:
    """Mean PSNR-Y with the first reference, all of them, an unrelated one, and none."""
    scores: dict[str, list[float]] = {"first": [], "all": [], "unrelated": [], "none": []}
    for entry in json.loads((folder / "index.json").read_text()):
        target = _load(folder / entry["target"], device)
        low_res = bicubic_pillow(target, (target.shape[2] // 4, target.shape[3] // 4))
        chosen = {"first": entry["refs"][:1], "all": entry["refs"], "unrelated": [entry["unrelated"]], "none": []}
        for kind, files in chosen.items():
            references = [_load(folder / file, device) for file in files]
            scores[kind].append(_psnr_y(as_uint8(_upscaled(model, low_res, references)), target))
    return {kind: float(np.mean(values)) for kind, values in scores.items()}


def _upscaled(
    model: Lite, low_res: Float[Tensor, "1 3 h w"], references: list[Float[Tensor, "1 3 _ _"]]
) -> Float[Tensor, "1 3 H2 W2"]:
    """The whole picture at once, with every reference a candidate everywhere."""
    if not references:
        return model(low_res)
    each = [bring_textures(model, low_res, reference[None]).textures for reference in references]
    return model(low_res, Textures(*(torch.cat(parts, 1) for parts in zip(*each, strict=True))))


def _load(file: Path, device: torch.device) -> Float[Tensor, "1 3 H W"]:
    picture = load(file).to_8bit().rgb()
    height, width = (extent // 4 * 4 for extent in picture.shape[1:])
    return picture[None, :, :height, :width].to(device)


def _psnr_y(output: Float[Tensor, "1 3 H W"], target: Float[Tensor, "1 3 H W"]) -> float:
    weight = output.new_tensor([65.481, 128.553, 24.966])[:, None, None]
    error = ((output - target) * weight).sum(1)[..., _BORDER:-_BORDER, _BORDER:-_BORDER]
    return float(10 * torch.log10(255**2 / error.square().mean()))
