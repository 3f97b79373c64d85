"""Validated reading and atomic writing of safetensors, the only tensor format that srntt loads.

The header (names, shapes, dtypes) is validated before any tensor is read, so that a malicious or damaged file needs no
more memory than a valid one.
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
_PIXELS = {"U8": torch.uint8, "U16": torch.uint16}  # for pictures stored with weights or maps
_OTHER_FORMATS = {".pth", ".pt", ".pt2", ".ckpt", ".bin", ".pkl", ".pickle", ".npz", ".npy", ".mat", ".h5", ".onnx"}
_ADVICE = (
    "srntt loads safetensors only, because reading a pickle can run arbitrary code. Convert the official "
    "SRNTT .npz with `srntt weights convert FILE -o FOLDER`, VGG19 (.pth, .mat) with `srntt weights get vgg19 --from "
    "FILE`, and anything else with the program that wrote it"
)


@dataclass(frozen=True)
class TensorInfo:
    """Entry of a tensor in the header; ``dtype`` is F32, F16, I64 or BOOL, or U8 or U16 for pixels."""

    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Header:
    """Header of a file: its tensors by name, and its text metadata."""

    tensors: dict[str, TensorInfo]
    metadata: dict[str, str]


def read_header(path: str | Path, *, pixels: bool = False) -> Header:
    """Read names, shapes, dtypes and metadata, without reading tensors.

    Args:
        path: Safetensors file.
        pixels: Whether uint8 and uint16 are allowed, too.

    Raises:
        ModelError: The file does not exist, is not a regular file, has another format (such as a pickle), is damaged,
            or contains a dtype other than float32, float16, int64 and bool.
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
    """Read the expected tensors to the CPU, floats as float32, after validating the header.

    Other tensors of the file are not read.

    Args:
        path: Safetensors file.
        expected: Shape of each tensor by name.
        pixels: Whether uint8 and uint16 are allowed, too.

    Raises:
        ModelError: See `read_header`; or a tensor is missing, has another shape, or values that are not finite.
    """
    path = Path(path)
    header = read_header(path, pixels=pixels)
    missing = sorted(set(expected) - set(header.tensors))
    if missing:
        raise ModelError(f"{path} lacks {_listed(missing)}; it contains {_listed(sorted(header.tensors))}.")
    for name, shape in expected.items():
        if header.tensors[name].shape != tuple(shape):
            raise ModelError(f"{path}: {name} has shape {header.tensors[name].shape}, expected {tuple(shape)}.")
    with _opened(path) as file:
        return {name: _checked(path, name, file.get_tensor(name)) for name in expected}


def write_tensors(path: str | Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write a safetensors file atomically.

    Raises:
        ModelError: A dtype, or a value that is not finite, that `read_tensors` would not accept.
        OutputError: The file cannot be written.
        MemoryError: Out of memory.
    """
    path = Path(path)
    for name, tensor in tensors.items():
        _checked(path, name, tensor)
        if tensor.dtype not in (*_DTYPES.values(), *_PIXELS.values()):
            raise ModelError(f"{name} is {tensor.dtype}; supported: {', '.join(_DTYPES)}. Convert it first.")
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_bytes(path, _serialized(plain, dict(metadata)))


def _serialized(tensors: dict[str, Tensor], metadata: dict[str, str]) -> bytes:
    """Serialise with safetensors, which panics where Python raises MemoryError."""
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
    # Headers of 640, 896, 1152 or 1408 bytes begin like a pickle of protocol 2 to 5, but are followed by a brace.
    if start[8:] != b"{" and start.startswith(
        (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"\x93NUMPY")
    ):
        raise ModelError(f"{path} is a pickle, zip or NumPy file despite its name: not loaded. {_ADVICE}.")
    length = int.from_bytes(start[:8], "little")
    if len(start) < 8 or length > min(MAX_HEADER_BYTES, status.st_size - 8):
        raise ModelError(
            f"{path} is not a complete safetensors file: its header claims {length} bytes of {status.st_size}; "
            f"the limit is {MAX_HEADER_BYTES}. Download or save it again."
        )


def _first_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(9)
    except OSError as error:
        raise ModelError(f"Cannot read {path}: {error.strerror}. Change its permissions, or copy it.") from error


def _opened(path: Path):
    try:
        return safe_open(path, framework="pt", device="cpu")
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelError(f"{path} is not a complete safetensors file ({error}). Download or save it again.") from error


def _info(path: Path, name: str, part, allowed: Mapping[str, torch.dtype]) -> TensorInfo:
    dtype = str(part.get_dtype())
    if dtype not in allowed:
        raise ModelError(
            f"{path}: {name} is {dtype}; supported: {', '.join(allowed)}. Save the model as float32 or float16."
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
