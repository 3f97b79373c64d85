"""Read the variables of a MATLAB 5 file in bounded memory; enough of the format for MatConvNet's models.

The file is a chain of elements, each a tag (type, length) and data padded to 8 bytes. An array is an element that
holds elements: flags, shape, name, then data. A variable may be compressed, as a whole. Arrays above a limit (dense
layers) are skipped, and what is inflated is never held as a whole. Layout: "MAT-File Format", The MathWorks, chapter
1.
"""

import math
import os
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from srntt.errors import ModelError

_MAX_ARRAY_BYTES = 16 << 20  # VGG19's largest convolution has 9.4 MB
_MAX_KEPT_BYTES = 128 << 20  # all its convolutions have 80 MB
_MAX_INFLATED_BYTES = 1 << 30
_MAX_ELEMENTS = 100_000
_MAX_DEPTH = 12
_CHUNK = 1 << 16

_NUMBERS = {1: "<i1", 2: "<u1", 3: "<i2", 4: "<u2", 5: "<i4", 6: "<u4", 7: "<f4", 9: "<f8", 12: "<i8", 13: "<u8"}
_MATRIX, _COMPRESSED, _TEXT = 14, 15, {2: "utf-8", 4: "utf-16-le", 16: "utf-8", 17: "utf-16-le"}
_CELL, _STRUCT, _CHAR = 1, 2, 4


def read_mat(path: str | Path, variable: str) -> Any:
    """One variable of a MATLAB 5 file.

    Args:
        path: the file.
        variable: its name.

    Returns:
        A list for a cell array, a dict for a struct (a list of them for several), a str for text, an array for real
        numbers, in MATLAB's shape; None for anything else, and for arrays of more than 16 MiB.

    Raises:
        ModelError: not such a file, damaged, more than memory is meant for, or no such variable.
    """
    path = Path(path)
    if not os.path.isfile(path):
        raise ModelError(f"{path} is no file. Give the path of a .mat file.")
    try:
        with path.open("rb") as file:
            return _variable(file, variable)
    except (OSError, EOFError, ValueError, KeyError, IndexError, zlib.error) as error:
        raise ModelError(f"{path} is no whole MATLAB 5 file ({error}). Fetch it again.") from error
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error


def _variable(file: BinaryIO, variable: str) -> Any:
    header = file.read(128)
    if header[124:128] != b"\x00\x01IM":
        raise ModelError("no MATLAB 5 file of a little-endian machine (newer ones are HDF5: save with '-v7').")
    while tag := file.read(8):
        kind, length = (int.from_bytes(part, "little") for part in (tag[:4], tag[4:]))
        end = file.tell() + length + (0 if kind == _COMPRESSED else -length % 8)
        if kind in (_MATRIX, _COMPRESSED):
            reader = _Reader(file, length, compressed=kind == _COMPRESSED)
            name, value = reader.variable(variable, tagged=kind == _COMPRESSED)
            if name == variable:
                return value
        file.seek(end)
    raise ModelError(f"it has no variable called {variable}.")


class _Reader:
    """Takes a variable apart, front to back, counting what it costs."""

    def __init__(self, file: BinaryIO, length: int, compressed: bool) -> None:
        self._file, self._left = file, length
        self._inflater = zlib.decompressobj() if compressed else None
        self._ready = b""
        self._position = self._kept = self._elements = 0

    def variable(self, wanted: str, tagged: bool) -> tuple[str, Any]:
        """Name and value; the value only of the wanted one."""
        if tagged and self._tag()[0] != _MATRIX:
            return "", None
        kind, shape, name = self._head()
        return name, self._content(kind, shape, 0) if name == wanted else None

    def _array(self, depth: int) -> Any:
        kind, length, _ = self._tag()
        end = self._position + length
        if kind != _MATRIX or depth > _MAX_DEPTH:
            raise ModelError("arrays nested too deep, or other things inside an array: damaged.")
        value = None
        if length:
            array_kind, shape, _ = self._head()
            value = self._content(array_kind, shape, depth)
        self._skip(end - self._position)
        return value

    def _head(self) -> tuple[int, tuple[int, ...], str]:
        flags, lengths = self._data(), self._data()
        shape = tuple(int(n) for n in np.frombuffer(lengths[:20], "<i4"))
        if not 2 <= len(shape) <= 4 or min(shape) < 0:
            raise ModelError("an array that has not 2 to 4 axes: no VGG19.")
        complex_numbers = bool(flags[1] & 8)
        return -1 if complex_numbers else flags[0], shape, self._data().decode("ascii")

    def _content(self, kind: int, shape: tuple[int, ...], depth: int) -> Any:
        if kind == _CELL:
            return [self._array(depth + 1) for _ in range(math.prod(shape))]
        if kind == _STRUCT:
            structs = self._structs(math.prod(shape), depth)
            return structs[0] if len(structs) == 1 else structs
        if kind == _CHAR:
            number, data = self._numbers()
            return (data or b"").decode(_TEXT[number])
        return self._number_array(shape) if 6 <= kind <= 13 else None

    def _structs(self, count: int, depth: int) -> list[dict[str, Any]]:
        width = int.from_bytes(self._data(), "little")
        names = self._data()
        if count > _MAX_ELEMENTS or len(names) > _CHUNK:
            raise ModelError("a struct array of a size that no VGG19 has.")
        fields = [names[i : i + width].split(b"\0")[0].decode("ascii") for i in range(0, len(names), max(width, 1))]
        return [{field: self._array(depth + 1) for field in fields} for _ in range(count)]

    def _number_array(self, shape: tuple[int, ...]) -> np.ndarray | None:
        kind, data = self._numbers()
        return None if data is None else np.frombuffer(data, _NUMBERS[kind]).reshape(shape, order="F")

    def _numbers(self) -> tuple[int, bytes | None]:
        """Kind and bytes of a data element; no bytes where they are too many to be wanted."""
        kind, length, small = self._tag()
        if length > _MAX_ARRAY_BYTES:
            self._skip(length + -length % 8)
            return kind, None
        self._kept += length
        if self._kept > _MAX_KEPT_BYTES:
            raise ModelError(f"more than {_MAX_KEPT_BYTES} bytes of arrays: no VGG19.")
        data = self._take(length)
        self._skip(-(length + 4 * small) % 8)
        return kind, data

    def _data(self) -> bytes:
        return self._numbers()[1] or b""

    def _tag(self) -> tuple[int, int, bool]:
        """Kind, length in bytes, and whether the data stand inside the tag."""
        self._elements += 1
        if self._elements > _MAX_ELEMENTS:
            raise ModelError(f"more than {_MAX_ELEMENTS} elements: no VGG19.")
        kind, length = int.from_bytes(self._take(2), "little"), int.from_bytes(self._take(2), "little")
        if length:
            return kind, length, True
        return kind, int.from_bytes(self._take(4), "little"), False

    def _take(self, count: int) -> bytes:
        parts = []
        while count > 0:
            part = self._some(count)
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def _skip(self, count: int) -> None:
        if count < 0:
            raise ModelError("an array that is longer than its place: damaged.")
        while count > 0:
            count -= len(self._some(min(count, _CHUNK)))

    def _some(self, count: int) -> bytes:
        """Up to `count` next bytes, at least one."""
        if not self._ready:
            self._ready = self._more()
        part, self._ready = self._ready[:count], self._ready[count:]
        self._position += len(part)
        return part

    def _more(self) -> bytes:
        while True:
            if self._inflater is not None and self._inflater.unconsumed_tail:
                source = self._inflater.unconsumed_tail
            else:
                source = self._file.read(min(self._left, _CHUNK))
                self._left -= len(source)
                if not source:
                    raise EOFError("it ends too early")
            if self._inflater is None:
                return source
            if self._position > _MAX_INFLATED_BYTES:
                raise ModelError(f"it inflates to more than {_MAX_INFLATED_BYTES} bytes: refused.")
            if inflated := self._inflater.decompress(source, _CHUNK):
                return inflated
