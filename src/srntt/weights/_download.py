"""VGG19 for the user's machine: `srntt weights get vgg19`. The one place that uses the network, and only when called.

Whatever the source, what is kept is a safetensors file of conv1_1 to conv5_1 in the cache, about 50 MB of the 575 MB
original.
"""

import hashlib
import os
import urllib.request
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Protocol, runtime_checkable

import numpy as np
import torch
from platformdirs import user_cache_path
from torch import Tensor

from srntt._files import unfinished_file
from srntt.errors import InputError, MissingWeightsError, ModelError, OutputError
from srntt.features import Family
from srntt.weights._mat_file import read_mat
from srntt.weights._torch_file import read_torch_file
from srntt.weights._vgg_files import cut_to_deepest, matconvnet_kernel, read_vgg19, save_vgg19, torchvision_names

VGG19_URL = "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth"
#: The name of the file gives the first 8 digits; the rest is what everyone has who published the sum of their copy.
VGG19_SHA256 = "dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44"
VGG19_BYTES = 574_673_361
_CHUNK = 1 << 20
_TIMEOUT_SECONDS = 60


@runtime_checkable
class Readable(Protocol):
    """What is asked of a response: the next bytes, none at its end."""

    def read(self, amount: int, /) -> bytes: ...


Opener = Callable[[str], AbstractContextManager[Readable]]
Progress = Callable[[int, int], None]


def weights_cache_dir() -> Path:
    """Where fetched weights are kept: $XDG_CACHE_HOME/srntt, else the system's place for caches. It need not exist."""
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return base / "srntt" if base.is_absolute() else user_cache_path("srntt", appauthor=False)


def vgg19_path(family: Family) -> Path:
    """Where `get_vgg19` keeps the weights of a family. They need not be there."""
    return weights_cache_dir() / f"vgg19-{family}.safetensors"


def find_vgg19(family: Family) -> Path:
    """The weights of a family, as `get_vgg19` left them.

    Raises:
        MissingWeightsError: they were not fetched yet; the text says how to.
    """
    path = vgg19_path(family)
    if path.is_file():
        return path
    how = "" if family == "torchvision" else " --from imagenet-vgg-verydeep-19.mat"
    raise MissingWeightsError(
        f"VGG19 with {family} weights is not at {path}. Fetch it with `srntt weights get vgg19{how}`."
    )


def get_vgg19(
    source: str | Path | None = None,
    *,
    family: Family | None = None,
    open_url: Opener | None = None,
    progress: Progress | None = None,
) -> Path:
    """Put VGG19 into the cache, from the user's file, or from torchvision's server if none is given.

    Args:
        source: torchvision's .pth, MatConvNet's .mat, or a .safetensors with either's names.
        family: whose weights the file holds. Known by itself: torchvision's .pth (by its sum), .mat files,
            safetensors whose metadata says it.
        open_url: opens an address for reading; for tests.
        progress: called with bytes so far and in all.

    Returns:
        The path of the safetensors file.

    Raises:
        ModelError: not the file that was expected, damaged, family unknown; nothing is kept then.
        OutputError: the network or the cache cannot be used.
    """
    if source is None:
        if family not in (None, "torchvision"):
            raise InputError(f"Only torchvision's VGG19 is downloaded; give the {family} one as a file.")
        tensors, family = _download(open_url or _open_url, progress), "torchvision"
    else:
        tensors, family = _read(Path(source), family)
    target = vgg19_path(family)
    save_vgg19(target, cut_to_deepest(tensors), family)
    return target


def _open_url(url: str) -> AbstractContextManager[Readable]:
    return urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS)  # https, and the sum is checked


def _download(open_url: Opener, progress: Progress | None) -> dict[str, Tensor]:
    folder = weights_cache_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with unfinished_file(folder) as temporary:
            return _fetched(open_url, Path(temporary), progress)
    except OSError as error:
        raise OutputError(
            f"Cannot fetch {VGG19_URL} into {folder}: {error}. Fetch it by other means and use --from FILE."
        ) from error


def _fetched(open_url: Opener, file: Path, progress: Progress | None) -> dict[str, Tensor]:
    with open_url(VGG19_URL) as response, file.open("xb") as copy:
        total = _copy(response, copy, progress)
    found = _sha256(file)
    if (total, found) != (VGG19_BYTES, VGG19_SHA256):
        raise ModelError(
            f"{VGG19_URL} gave {total} bytes with SHA-256 {found}; expected {VGG19_BYTES} with {VGG19_SHA256}. "
            "Nothing was kept. Try again, or fetch the file by other means and use --from FILE."
        )
    return read_torch_file(file, torchvision_names())


def _copy(response: Readable, file: BinaryIO, progress: Progress | None) -> int:
    """Copy, but no more than one byte beyond what is expected; the number of bytes."""
    total = 0
    while total <= VGG19_BYTES and (chunk := response.read(min(_CHUNK, VGG19_BYTES + 1 - total))):
        file.write(chunk)
        total += len(chunk)
        if progress is not None:
            progress(total, VGG19_BYTES)
    return total


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(source: Path, family: Family | None) -> tuple[dict[str, Tensor], Family]:
    if not source.is_file():
        raise ModelError(f"{source} is no file. Give VGG19 as .pth, .mat or .safetensors.")
    match source.suffix.lower():
        case ".pth" | ".pt":
            return read_torch_file(source, torchvision_names()), family or _family_by_sum(source)
        case ".mat" if family == "torchvision":
            raise ModelError(f"{source} is a MatConvNet file: it holds the caffe family, not torchvision's.")
        case ".mat":
            return matconvnet_convolutions(source), "caffe"
        case ".safetensors":
            return read_vgg19(source, family=family)
    raise ModelError(
        f"{source}: VGG19 is read from .pth, .mat and .safetensors, not from {source.suffix or 'no suffix'}."
    )


def _family_by_sum(source: Path) -> Family:
    found = _sha256(source)
    if found != VGG19_SHA256:
        raise ModelError(
            f"{source} is not torchvision's vgg19-dcbb9e9d.pth: its SHA-256 is {found}. "
            "If it holds VGG19 all the same, say whose: --family torchvision, or --family caffe for the original ones "
            "(in Python family=)."
        )
    return "torchvision"


def matconvnet_convolutions(path: Path) -> dict[str, Tensor]:
    """The convolutions of MatConvNet's imagenet-vgg-verydeep-19.mat under our names.

    Raises:
        ModelError: not such a file.
    """
    layers = read_mat(path, "layers")
    tensors: dict[str, Tensor] = {}
    for layer in layers if isinstance(layers, list) else []:
        name = layer.get("name") if isinstance(layer, dict) else None
        if not isinstance(name, str) or not name.startswith("conv"):
            continue
        # Newer files have a cell of both, older ones a field each.
        kernel, bias = layer.get("weights") or (layer.get("filters"), layer.get("biases"))
        if not isinstance(kernel, np.ndarray) or kernel.ndim != 4 or not isinstance(bias, np.ndarray):
            raise ModelError(f"{path}: {name} has no kernel of four axes and bias: not MatConvNet's VGG19.")
        tensors[f"{name}.weight"] = matconvnet_kernel(kernel)
        tensors[f"{name}.bias"] = torch.from_numpy(bias.astype(np.float32).reshape(-1))
    return tensors
