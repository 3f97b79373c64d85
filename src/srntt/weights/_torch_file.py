"""Float32 tensors out of a PyTorch .pth file, without unpickling it.

Two formats: since torch 1.6 a zip with data.pkl and one member per storage; before (vgg19-dcbb9e9d.pth is one) a
chain of pickles, then the storages one after the other. Only the storages that are asked for are read.
"""

import math
import os
import zipfile
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

from srntt.errors import ModelError
from srntt.weights._pickle_reader import Named, read_pickle

_MAX_PICKLE_BYTES = 1 << 20
_MAX_STORAGE_BYTES = 64 << 20
_MAX_STORAGES = 10_000
_MAX_TENSOR_BYTES = 256 << 20  # of all that are wanted: VGG19's convolutions are 80 MB
_LEGACY_MAGIC, _LEGACY_VERSION = 0x1950A86A20F9469CFC6C, 1001


def read_torch_file(path: str | Path, wanted: Collection[str]) -> dict[str, Tensor]:
    """Those of the wanted tensors that the file's state dict holds.

    Raises:
        ModelError: not such a file, damaged, a tensor that is not dense float32, or it asks for more than tensors.
    """
    path = Path(path)
    if not os.path.isfile(path):
        raise ModelError(f"{path} is no file. Give the path of a .pth file.")
    try:
        with path.open("rb") as file:
            return _read_zip(path, wanted) if file.read(2) == b"PK" else _read_legacy(file, wanted)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error
    except (
        OSError,
        EOFError,
        ValueError,
        KeyError,
        OverflowError,
        RuntimeError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise ModelError(f"{path} is no whole PyTorch file ({error}). Fetch it again.") from error


@dataclass(frozen=True)
class _Storage:
    """A float32 storage that the pickle refers to, not read."""

    key: str
    count: int


class _Stretch:
    """A tensor as the pickle describes it: a dense stretch of a storage."""

    def __init__(self, storage: Any, offset: Any, shape: Any, stride: Any, *_: Any) -> None:
        if type(storage) is not _Storage or type(offset) is not int or not _is_dense(shape, stride):
            raise ModelError("a tensor that is no dense stretch of a storage: not the weights of a network.")
        if not 0 <= offset <= storage.count - math.prod(shape):
            raise ModelError("a tensor that goes beyond its storage: damaged.")
        self.storage, self.offset, self.shape = storage, offset, shape

    def tensor(self, content: bytes) -> Tensor:
        """Cut it out of the storage's bytes."""
        whole = torch.frombuffer(bytearray(content), dtype=torch.float32)
        return whole[self.offset : self.offset + math.prod(self.shape)].reshape(self.shape).clone()


class _Parameter:
    """A tensor wrapped as a parameter, as the oldest files have it."""

    nbytes = 0

    def __init__(self, data: Any, *_: Any) -> None:
        self.data = data

    def build(self, state: Any) -> None:
        """Hooks, and whether it needs a gradient: of no interest."""


def _float_storage(*_: Any) -> None:
    raise ModelError("a storage that is no part of the file: not the weights of a network.")


_ALLOWED = {
    ("collections", "OrderedDict"): dict,
    ("torch._utils", "_rebuild_tensor"): _Stretch,
    ("torch._utils", "_rebuild_tensor_v2"): _Stretch,
    ("torch._utils", "_rebuild_parameter"): _Parameter,
    ("torch.nn.parameter", "Parameter"): _Parameter,
    ("torch", "FloatStorage"): _float_storage,
}


def _storage(reference: Any) -> _Storage:
    tag, kind, key, _, count, *view = reference
    if tag != "storage" or type(kind) is not Named or kind.function is not _float_storage or any(view):
        raise ModelError("a storage that is not float32, or a view of one: not the weights of a network.")
    if type(key) is not str or type(count) is not int:
        raise ModelError("a storage without name or size: damaged.")
    return _Storage(key, count)


def _is_dense(shape: Any, stride: Any) -> bool:
    if type(shape) is not tuple or not 1 <= len(shape) <= 4 or not all(type(n) is int and n > 0 for n in shape):
        return False
    return stride == tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


def _stretches(state: Any, wanted: Collection[str]) -> dict[str, _Stretch]:
    if type(state) is not dict:
        raise ModelError("its content is no state dict.")
    found = {name: state[name] for name in wanted if name in state}
    found = {name: value.data if type(value) is _Parameter else value for name, value in found.items()}
    for name, value in found.items():
        if type(value) is not _Stretch or value.storage.count * 4 > _MAX_STORAGE_BYTES:
            raise ModelError(f"{name} is no tensor of the size of a layer's.")
    if sum(4 * math.prod(value.shape) for value in found.values()) > _MAX_TENSOR_BYTES:  # several may share a storage
        raise ModelError(f"its tensors take more than {_MAX_TENSOR_BYTES} bytes: refused.")
    return found


def _read_zip(path: Path, wanted: Collection[str]) -> dict[str, Tensor]:
    with zipfile.ZipFile(path) as archive:
        pickles = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise ModelError(f"a zip with {len(pickles)} data.pkl; a PyTorch file has one.")
        folder = pickles[0].removesuffix("data.pkl")
        if f"{folder}byteorder" in archive.namelist() and _member(archive, f"{folder}byteorder", 16) != b"little":
            raise ModelError("written on a big-endian machine, which is not read here.")
        state, _ = read_pickle(_member(archive, pickles[0], _MAX_PICKLE_BYTES), _ALLOWED, _storage)
        stretches = _stretches(state, wanted)
        contents = {s.storage: _whole(archive, f"{folder}data/{s.storage.key}", s.storage) for s in stretches.values()}
    return _tensors(stretches, contents)


def _member(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    if archive.getinfo(name).compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ModelError(f"{name[:80]} is packed in a way that PyTorch does not use: refused.")
    with archive.open(name) as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise ModelError(f"{name} inflates to more than {limit} bytes: refused.")
    return content


def _whole(archive: zipfile.ZipFile, name: str, storage: _Storage) -> bytes:
    return _of_size(_member(archive, name, _MAX_STORAGE_BYTES), storage)


def _read_legacy(file: BinaryIO, wanted: Collection[str]) -> dict[str, Tensor]:
    file.seek(0)
    if _next_pickle(file) != _LEGACY_MAGIC or _next_pickle(file) != _LEGACY_VERSION:
        raise ModelError("no PyTorch file.")
    system = _next_pickle(file)
    if type(system) is not dict or system.get("little_endian") is not True:
        raise ModelError("written on a big-endian machine, which is not read here.")
    stretches = _stretches(_next_pickle(file), wanted)
    keys = _next_pickle(file)
    if type(keys) is not list or len(keys) > _MAX_STORAGES or not all(type(key) is str for key in keys):
        raise ModelError("no list of its storages: damaged.")
    storages = {s.storage.key: s.storage for s in stretches.values()}
    contents = {}
    for key in keys:
        count = int.from_bytes(file.read(8), "little")
        if key in storages:
            contents[storages[key]] = _of_size(file.read(min(4 * count, _MAX_STORAGE_BYTES)), storages[key])
        else:
            file.seek(4 * count, 1)
    return _tensors(stretches, contents)


def _next_pickle(file: BinaryIO) -> Any:
    start = file.tell()
    value, length = read_pickle(file.read(_MAX_PICKLE_BYTES), _ALLOWED, _storage)
    file.seek(start + length)
    return value


def _of_size(content: bytes, storage: _Storage) -> bytes:
    if len(content) != 4 * storage.count:
        raise ModelError(
            f"storage {storage.key[:40]} has {len(content)} bytes instead of {4 * storage.count}: damaged."
        )
    return content


def _tensors(stretches: Mapping[str, _Stretch], contents: Mapping[_Storage, bytes]) -> dict[str, Tensor]:
    return {name: stretch.tensor(contents[stretch.storage]) for name, stretch in stretches.items()}
