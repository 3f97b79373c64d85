"""Loading of weights from the cache."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from srntt._files import user_folder
from srntt._safetensors import read_header, read_tensors
from srntt.errors import InputError, MissingWeightsError
from srntt.features import LAYERS, VGG16Features, conv_names, tensor_shapes
from srntt.metrics import Backbone, DistsWeights, LpipsWeights
from srntt.weights._sources import WEIGHTS
from srntt.weights._vgg_files import load_vgg19


def weights_cache_dir() -> Path:
    """Return the cache folder: $XDG_CACHE_HOME/srntt, else the system's cache folder. It may not exist yet."""
    return user_folder("cache")


def weights_path(name: str) -> Path:
    """Return the path of weights of the table `WEIGHTS` in the cache. The file may not exist yet."""
    return weights_cache_dir() / WEIGHTS[name].kept


def find_weights(name: str) -> Path:
    """Return the file of weights in the cache.

    Raises:
        MissingWeightsError: The weights were not fetched yet; the message says how to.
    """
    path = weights_path(name)
    if not path.is_file():
        raise MissingWeightsError(
            f"{WEIGHTS[name].what}: the weights are not at {path}. Fetch them with `{WEIGHTS[name].command}`."
        )
    return path


def load_lpips(backbone: Backbone = "vgg16") -> LpipsWeights:
    """Load the weights of LPIPS from the cache.

    Raises:
        ModelError: The weights were not fetched yet (the message says how to), or the file is damaged.
    """
    return LpipsWeights(backbone, read_tensors(find_weights(f"lpips-{backbone}"), LpipsWeights.shapes(backbone)))


def load_dists() -> DistsWeights:
    """Load the weights of DISTS, and the VGG16 of LPIPS, from the cache.

    Raises:
        ModelError: The weights were not fetched yet (the message says how to), or a file is damaged.
    """
    shapes = DistsWeights.shapes()
    weights = read_tensors(find_weights("dists"), shapes["dists"])
    vgg16 = read_tensors(find_weights("lpips-vgg16"), shapes["vgg16"])
    return DistsWeights(vgg16, weights["alpha"], weights["beta"])


def load_features(name: str, wanted: Sequence[str], device: torch.device) -> nn.Module:
    """Load VGG19 or VGG16 for losses, up to the deepest layer wanted: channels last, parameters frozen.

    Args:
        name: ``vgg16`` (of LPIPS), ``vgg19`` (torchvision) or ``vgg19-caffe`` from the cache; or a .safetensors file of
            either VGG19, or of VGG16 (conv0.weight, conv0.bias, ... conv12.bias).
        wanted: Layers, relu1_1 to relu5_1.
        device: Device of the network.

    Raises:
        InputError: An unknown layer.
        ModelError: The file is missing or does not contain the network.
    """
    if unknown := sorted(set(wanted) - set(LAYERS)):
        raise InputError(f"The losses name an unknown layer {unknown[0]!r}; available: {', '.join(LAYERS)}.")
    last = max(LAYERS, key=lambda layer: (layer in wanted, LAYERS.index(layer)))
    named = {"vgg16": "lpips-vgg16", "vgg19": "vgg19-torchvision", "vgg19-caffe": "vgg19-caffe"}
    file = find_weights(named[name]) if name in named else Path(name)
    if "conv0.weight" not in read_header(file).tensors:
        return load_vgg19(file, last=last).to(device).to(memory_format=torch.channels_last)  # pyright: ignore
    network = VGG16Features(last)
    # LPIPS numbers convolutions consecutively: conv0, conv1, ...
    theirs = {name: f"conv{index}" for index, name in enumerate(conv_names(network="vgg16"))}
    shapes = {name: name.replace(layer := name.partition(".")[0], theirs[layer]) for name in network.state_dict()}
    held = read_tensors(file, {shapes[name]: shape for name, shape in tensor_shapes(last, "vgg16").items()})
    network.load_state_dict({name: held[shapes[name]] for name in network.state_dict()})
    return network.to(device).to(memory_format=torch.channels_last)  # pyright: ignore
