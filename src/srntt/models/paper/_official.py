"""The official SRNTT weights (upscale.npz, srntt.npz, srntt_init.npz) to this package's model files.

Such a file is a zip with one array of objects, ``params.npy``: float arrays in the order of creation, pickled. A
convolution is W (height, width, in, out)[, b]; a batch normalisation is beta, gamma, moving mean, moving variance.
"""

import io
import os
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from tokenize import TokenError
from zipfile import BadZipFile

import numpy as np
import torch
from torch import Tensor, nn

from srntt.errors import InputError, ModelError
from srntt.models._files import save_model
from srntt.models.paper._blocks import SubPixelUpscale
from srntt.models.paper._content_extractor import ContentExtractor
from srntt.models.paper._network import PaperConfig, PaperSRNTT
from srntt.models.paper._texture_transfer import TextureTransfer
from srntt.weights import PickledArray, read_arrays

_MAX_BYTES = 64 << 20  # the largest official file holds 11.5 MB of floats


def convert_official(
    destination: str | Path,
    upscale: str | Path,
    transfer: str | Path | None = None,
    *,
    card: str = "",
    overwrite: bool = False,
) -> Path:
    """Official weights to a model: the whole of SRNTT, or the content extractor where there is no transfer file.

    Args:
        destination: a folder, or a .safetensors file.
        upscale: the official upscale.npz.
        transfer: the official srntt.npz or srntt_init.npz.
        card: text of the folder's README.md.
        overwrite: replace what is there.

    Raises:
        ModelError: a file that is not what its place says, is damaged, or asks for more than arrays.
        OutputError: cannot be written.
    """
    extractor = ContentExtractor()
    load_official(extractor, upscale)
    if transfer is None:
        return save_model(extractor, destination, card=card, overwrite=overwrite)
    model = PaperSRNTT(PaperConfig(phi="caffe"))
    load_official(model.transfer, transfer)
    model.extractor.load_state_dict(extractor.state_dict())
    return save_model(model, destination, card=card, overwrite=overwrite)


def load_official(network: ContentExtractor | TextureTransfer, path: str | Path) -> None:
    """Fill a network from the official file of its kind: upscale.npz, or srntt.npz and srntt_init.npz.

    Raises:
        InputError: a gated transfer, of which there are no official weights.
        ModelError: not such a file, damaged, asks for more than arrays, or arrays that are not this network's.
    """
    if isinstance(network, TextureTransfer) and network.gates is not None:
        raise InputError("There are no official weights with gates. Load into TextureTransfer(gated=False).")
    arrays = read_official(path)
    slots = list(_slots(network))
    if len(arrays) != len(slots):
        raise ModelError(
            f"{path} holds {len(arrays)} arrays, a {type(network).__name__} needs {len(slots)}. "
            "Official: upscale.npz (173) for the content extractor, srntt.npz or srntt_init.npz (309) for the transfer."
        )
    for index, (array, (name, tensor, shuffled)) in enumerate(zip(arrays, slots, strict=True)):
        values = torch.from_numpy(_to_torch(array, shuffled))
        if values.shape != tensor.shape:
            raise ModelError(
                f"{path}: array {index} ({name}) has shape {array.shape}, which is not {tuple(tensor.shape)} in torch."
            )
        if name.endswith("running_var") and bool((values < 0).any()):
            raise ModelError(
                f"{path}: array {index} ({name}) has negative variances: damaged, or not in the official order."
            )
        tensor.data.copy_(values)


def read_official(path: str | Path) -> list[np.ndarray]:
    """The arrays of an official .npz in the order of creation, float32, finite; nothing in the file is run.

    Raises:
        ModelError: not a zip of one params.npy, more than 64 MB inflated, damaged, or it asks for more than arrays.
    """
    path = Path(path)
    if not os.path.isfile(path):
        raise ModelError(f"{path} is not a file. Give upscale.npz, srntt.npz or srntt_init.npz.")
    try:
        content, count = _pickle_of(path)
        array = read_arrays(content)
        if not isinstance(array, PickledArray) or not isinstance(array.content, list) or len(array.content) != count:
            raise ModelError(f"params.npy does not hold the {count} objects that it announces: damaged.")
        return [_finite(index, item) for index, item in enumerate(array.content)]
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error
    except (OSError, EOFError, ValueError, RuntimeError, SyntaxError, TokenError, BadZipFile, zlib.error) as error:
        raise ModelError(f"{path} is not an official SRNTT .npz ({error}). Give upscale.npz or srntt.npz.") from error


def from_depth_to_space(values: np.ndarray) -> np.ndarray:
    """Reorder the last axis from TensorFlow's depth_to_space(2), block-major, to what PixelShuffle(2) takes.

    torch channel 4c + 2i + j = TensorFlow channel (2i + j)C + c, for C channels after the shuffle.
    """
    # PAPER: the released weights are for TensorFlow's order of channels.
    blocks = values.reshape(*values.shape[:-1], 4, values.shape[-1] // 4)
    return blocks.swapaxes(-1, -2).reshape(values.shape)


def _slots(network: nn.Module) -> Iterator[tuple[str, Tensor, bool]]:
    """Name, tensor, and whether a shuffle follows, in the order of the file: that in which modules are registered."""
    before_shuffle = {id(module.conv) for module in network.modules() if isinstance(module, SubPixelUpscale)}
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            parts = ("weight",) if module.bias is None else ("weight", "bias")
        elif isinstance(module, nn.BatchNorm2d):
            parts = ("bias", "weight", "running_mean", "running_var")
        else:
            continue
        for part in parts:
            yield f"{name}.{part}", getattr(module, part), id(module) in before_shuffle


def _to_torch(array: np.ndarray, shuffled: bool) -> np.ndarray:
    if shuffled and array.shape[-1] % 4 == 0:
        array = from_depth_to_space(array)
    return np.ascontiguousarray(array.transpose(3, 2, 0, 1) if array.ndim == 4 else array)


def _pickle_of(path: Path) -> tuple[bytes, int]:
    """The pickle inside params.npy, and the number of objects that the header before it announces."""
    with zipfile.ZipFile(path) as archive:
        content = _only_member(archive)
    stream = io.BytesIO(content)
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # it was written by Python 2, and that is as it should be
        shape, _, dtype = read(stream)
    if dtype != np.dtype(object) or len(shape) != 1:
        raise ModelError(f"params.npy is {dtype} of shape {shape}; official files have a list of objects.")
    return content[stream.tell() :], shape[0]


def _only_member(archive: zipfile.ZipFile) -> bytes:
    members = archive.infolist()
    if [member.filename for member in members] != ["params.npy"]:
        raise ModelError(f"it holds {len(members)} files; an official .npz holds params.npy alone.")
    if members[0].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ModelError("it is packed in a way that NumPy does not use: refused.")  # LZMA asks for 4 GiB if it likes
    if members[0].file_size > _MAX_BYTES:
        raise ModelError(
            f"it inflates to {members[0].file_size} bytes; official files stay under {_MAX_BYTES}: refused."
        )
    with archive.open(members[0]) as file:
        return file.read(_MAX_BYTES)  # whatever the size it claims, no more is inflated


def _finite(index: int, item: object) -> np.ndarray:
    if not isinstance(item, PickledArray) or not isinstance(item.content, np.ndarray):
        raise ModelError(f"object {index} is no float array: not an official file.")
    if not np.isfinite(item.content).all():
        raise ModelError(f"array {index} has values that are not finite: damaged.")
    return item.content
