"""PSNR of a model in training on a folder of reference pairs."""

import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from srntt._shapes import Float
from srntt.features import reduce
from srntt.network import Lite, sample_textures
from srntt.train._pairs import as_uint8
from srntt.train._step import best_match
from srntt.transfer import refine_match

_BORDER = 4


@torch.no_grad()
def validate(model: Lite, folder: Path, device: torch.device) -> dict[str, float]:
    """Mean PSNR-Y with the first reference, an unrelated one, and none."""
    scores: dict[str, list[float]] = {"first": [], "unrelated": [], "none": []}
    for entry in json.loads((folder / "index.json").read_text()):
        target = _load(folder / entry["target"], device)
        low_res = _reduced_by_pillow(folder / entry["target"], device)
        for kind, file in (("first", entry["refs"][0]), ("unrelated", entry["unrelated"]), ("none", None)):
            reference = _load(folder / file, device) if file else None
            scores[kind].append(_psnr_y(as_uint8(upscale(model, low_res, reference)), target))
    return {kind: float(np.mean(values)) for kind, values in scores.items()}


def upscale(
    model: Lite, low_res: Float[Tensor, "1 3 h w"], reference: Float[Tensor, "1 3 H W"] | None
) -> Float[Tensor, "1 3 H2 W2"]:
    """The whole picture at once, with one reference."""
    if reference is None:
        return model(low_res)
    query, key = model.encoder(low_res), model.encoder(as_uint8(reduce(reference, 4)))
    flat = query.descriptor.flatten(2)
    similarity, index = best_match(flat, key.descriptor.flatten(2))
    match = refine_match(flat, key.descriptor, index, model.temperature)
    return model(low_res, sample_textures(reference, query, key, similarity, index, match))


def _load(file: Path, device: torch.device) -> Float[Tensor, "1 3 H W"]:
    picture = np.array(Image.open(file).convert("RGB"))
    height, width = (extent // 4 * 4 for extent in picture.shape[:2])
    return torch.from_numpy(picture[:height, :width]).to(device).permute(2, 0, 1)[None].float() / 255


def _reduced_by_pillow(file: Path, device: torch.device) -> Float[Tensor, "1 3 h w"]:
    picture = Image.open(file).convert("RGB")
    width, height = picture.width // 4, picture.height // 4
    small = picture.crop((0, 0, width * 4, height * 4)).resize((width, height), Image.Resampling.BICUBIC)
    return torch.from_numpy(np.array(small)).to(device).permute(2, 0, 1)[None].float() / 255


def _psnr_y(output: Float[Tensor, "1 3 H W"], target: Float[Tensor, "1 3 H W"]) -> float:
    weight = output.new_tensor([65.481, 128.553, 24.966])[:, None, None]
    error = ((output - target) * weight).sum(1)[..., _BORDER:-_BORDER, _BORDER:-_BORDER]
    return float(10 * torch.log10(255**2 / error.square().mean()))
