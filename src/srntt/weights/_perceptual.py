"""The network that perceptual and texture losses look through."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from srntt._safetensors import read_header, read_tensors
from srntt.errors import InputError, ModelError
from srntt.features import LAYERS, VGG16Features
from srntt.weights._download import find_vgg19, weights_cache_dir
from srntt.weights._vgg_files import load_vgg19


def load_features(name: str, wanted: Sequence[str], device: torch.device) -> nn.Module:
    """VGG19 or VGG16 up to the deepest layer that is wanted, channels last, wanting no gradient.

    Args:
        name: ``vgg16`` (LPIPS's), ``vgg19`` (torchvision's) or ``vgg19-caffe``, where ``srntt weights get`` put them;
            or a .safetensors file of either VGG19, or of VGG16 (conv0.weight, conv0.bias, ... conv12.bias).
        wanted: layers, relu1_1 to relu5_1.
        device: where it runs.

    Raises:
        InputError: a layer that there is not.
        ModelError: missing, or something else.
    """
    if unknown := sorted(set(wanted) - set(LAYERS)):
        raise InputError(f"The losses want a layer {unknown[0]!r}; there are {', '.join(LAYERS)}.")
    last = max(LAYERS, key=lambda layer: (layer in wanted, LAYERS.index(layer)))
    if name in ("vgg19", "vgg19-caffe"):
        family = "caffe" if name.endswith("caffe") else "torchvision"
        network: nn.Module = load_vgg19(find_vgg19(family), family=family, last=last)
    elif "conv0.weight" in (header := read_header(file := _file(name))).tensors:
        shapes = {tensor: info.shape for tensor, info in header.tensors.items()}
        network = VGG16Features(read_tensors(file, shapes), last)
    else:
        network = load_vgg19(file, last=last)
    return network.requires_grad_(False).eval().to(device).to(memory_format=torch.channels_last)  # pyright: ignore


def _file(name: str) -> Path:
    if name != "vgg16":
        return Path(name)
    file = weights_cache_dir() / "lpips-vgg16.safetensors"
    if not file.exists():
        raise ModelError(f"The losses look through VGG16, and {file} is not there: srntt weights get lpips.")
    return file
