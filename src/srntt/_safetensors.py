"""Guarded reading and whole-or-nothing writing of safetensors files: the only tensor format that srntt loads.

Everything is judged from the header (names, shapes, dtypes) before a tensor is read, so that a hostile or damaged
file costs no more memory than the one that was expected.
"""

import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from srntt._files import write_bytes
from srntt.errors import ModelError

MAX_HEADER_BYTES = 4 << 20
_DTYPES = {"F32": torch.float32, "F16": torch.float16, "I64": torch.int64, "BOOL": torch.bool}
_PIXELS = {"U8": torch.uint8, "U16": torch.uint16}  # of pictures kept beside weights or maps
_OTHER_FORMATS = {".pth", ".pt", ".pt2", ".ckpt", ".bin", ".pkl", ".pickle", ".npz", ".npy", ".mat", ".h5", ".onnx"}
_ADVICE = (
    "srntt loads safetensors only, because reading a pickle can run whatever code it holds. Convert the official "
    "SRNTT .npz with `srntt weights convert FILE -o FOLDER`, VGG19 (.pth, .mat) with `srntt weights get vgg19 --from "
    "FILE`, and anything else with the program that wrote it"
)


@dataclass(frozen=True)
class TensorInfo:
    """What a header says of one tensor; ``dtype`` is one of F32, F16, I64, BOOL, or of pixels U8, U16."""

    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Header:
    """What a file says of itself: its tensors by name, and its text metadata."""

    tensors: dict[str, TensorInfo]
    metadata: dict[str, str]


def read_header(path: str | Path, *, pixels: bool = False) -> Header:
    """Read names, shapes, dtypes and metadata; no tensor is touched.

    Args:
        path: a safetensors file.
        pixels: whether uint8 and uint16 are allowed, too.

    Raises:
        ModelError: no such file, not a regular file, another format (pickles among them), damaged, or a dtype other
            than float32, float16, int64 and bool.
    """
    path = Path(path)
    _refuse_other_formats(path)
    with _opened(path) as file:
        names = list(file.keys())
        allowed = {**_DTYPES, **_PIXELS} if pixels else _DTYPES
        tensors = {name: _info(path, name, file.get_slice(name), allowed) for name in names}
        return Header(tensors, dict(file.metadata() or {}))


def read_tensors(
    path: str | Path, expected: Mapping[str, tuple[int, ...]], *, pixels: bool = False
) -> dict[str, Tensor]:
    """Read the expected tensors on the CPU, floats as float32, once the header has shown that they are there as
    expected.

    Tensors that are not asked for are left alone.

    Args:
        path: a safetensors file.
        expected: shape by name.
        pixels: whether uint8 and uint16 are allowed, too.

    Raises:
        ModelError: as `read_header`; a tensor missing, of another shape, or with a value that is not finite.
    """
    path = Path(path)
    header = read_header(path, pixels=pixels)
    missing = sorted(set(expected) - set(header.tensors))
    if missing:
        raise ModelError(f"{path} lacks {_listed(missing)}; it holds {_listed(sorted(header.tensors))}.")
    for name, shape in expected.items():
        if header.tensors[name].shape != tuple(shape):
            raise ModelError(f"{path}: {name} has shape {header.tensors[name].shape}, expected {tuple(shape)}.")
    with _opened(path) as file:
        return {name: _checked(path, name, file.get_tensor(name)) for name in expected}


def write_tensors(path: str | Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write a whole file or none: a temporary file beside it, flushed to disk, then renamed.

    Raises:
        ModelError: a dtype or a value (one that is not finite) that `read_tensors` would refuse.
        OutputError: the folder cannot be written.
        MemoryError: there is not enough.
    """
    path = Path(path)
    for name, tensor in tensors.items():
        _checked(path, name, tensor)
        if tensor.dtype not in (*_DTYPES.values(), *_PIXELS.values()):
            raise ModelError(f"{name} is {tensor.dtype}; written are {', '.join(_DTYPES)}. Convert it first.")
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_bytes(path, _serialized(plain, dict(metadata)))


def _serialized(tensors: dict[str, Tensor], metadata: dict[str, str]) -> bytes:
    """What safetensors makes of it, which panics where Python would tell of missing memory."""
    try:
        return save(tensors, metadata=metadata)
    except BaseException as error:
        if type(error).__name__ == "PanicException":
            raise MemoryError(f"safetensors: {error}") from error
        raise


def _refuse_other_formats(path: Path) -> None:
    try:
        status = path.stat()
    except OSError as error:
        raise ModelError(f"Cannot read {path}: {error.strerror}. Give the path of a safetensors file.") from error
    if not stat.S_ISREG(status.st_mode):
        raise ModelError(f"{path} is not a regular file. Give the path of a safetensors file.")
    if path.suffix.lower() in _OTHER_FORMATS:
        raise ModelError(f"{path} is a {path.suffix} file: not loaded. {_ADVICE}.")
    start = _first_bytes(path)
    # A header of 640 bytes, or 896, 1152, 1408, begins as a pickle of protocol 2 to 5 does; but then comes its bracket.
    if start[8:] != b"{" and start.startswith(
        (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"\x93NUMPY")
    ):
        raise ModelError(f"{path} is a pickle, zip or NumPy file whatever its name says: not loaded. {_ADVICE}.")
    length = int.from_bytes(start[:8], "little")
    if len(start) < 8 or length > min(MAX_HEADER_BYTES, status.st_size - 8):
        raise ModelError(
            f"{path} is not a whole safetensors file: its header claims {length} bytes of {status.st_size}, "
            f"and {MAX_HEADER_BYTES} are allowed. Fetch or save it again."
        )


def _first_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(9)
    except OSError as error:
        raise ModelError(f"Cannot read {path}: {error.strerror}. Change its mode, or copy it where you may.") from error


def _opened(path: Path):
    try:
        return safe_open(path, framework="pt", device="cpu")
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelError(f"{path} is not a whole safetensors file ({error}). Fetch or save it again.") from error


def _info(path: Path, name: str, part, allowed: Mapping[str, torch.dtype]) -> TensorInfo:
    dtype = str(part.get_dtype())
    if dtype not in allowed:
        raise ModelError(
            f"{path}: {name} is {dtype}; allowed are {', '.join(allowed)}. Save the model as float32 or float16."
        )
    return TensorInfo(dtype, tuple(part.get_shape()))


def _checked(path: Path, name: str, tensor: Tensor) -> Tensor:
    if not tensor.is_floating_point():
        return tensor
    if not bool(torch.isfinite(tensor).all()):
        raise ModelError(
            f"{path}: {name} has values that are not finite. The file is damaged, or its training diverged."
        )
    return tensor.float()


def _listed(names: list[str], at_most: int = 6) -> str:
    more = f" and {len(names) - at_most} more" if len(names) > at_most else ""
    return (", ".join(names[:at_most]) or "nothing") + more
