"""The network that perceptual and texture losses look through."""

from pathlib import Path

import torch
from torch import nn

from srntt._safetensors import read_header, read_tensors
from srntt.features import load_vgg19
from srntt.network import find_vgg19
from srntt.train.losses import VGG16Features


def load_features(name: str, device: torch.device) -> nn.Module:
    """VGG19 or VGG16 up to the deepest layer that its file holds, channels last, wanting no gradient.

    Args:
        name: ``vgg19`` (torchvision's) or ``vgg19-caffe``, where ``srntt weights get`` put them; or a .safetensors file
            of either, or of VGG16 (conv0.weight, conv0.bias, ... conv12.bias).
        device: where it runs.

    Raises:
        ModelError: missing, or something else.
    """
    if name in ("vgg19", "vgg19-caffe"):
        family = "caffe" if name.endswith("caffe") else "torchvision"
        network: nn.Module = load_vgg19(find_vgg19(family), family=family, last="relu5_1")
    elif "conv0.weight" in (header := read_header(Path(name))).tensors:
        shapes = {tensor: info.shape for tensor, info in header.tensors.items()}
        network = VGG16Features(read_tensors(Path(name), shapes))
    else:
        network = load_vgg19(Path(name), last="relu5_1")
    return network.requires_grad_(False).eval().to(device).to(memory_format=torch.channels_last)  # pyright: ignore
