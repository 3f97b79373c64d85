"""What NumPy's pickles of arrays call, as inert records: shapes and dtypes are judged here, not by NumPy."""

import math
from typing import Any

import numpy as np

from srntt.errors import ModelError

_MAX_RANK = 4


class PickledDtype:
    """Stands for ``numpy.dtype(name, align, copy)``."""

    nbytes = 0

    def __init__(self, name: Any, *_: Any) -> None:
        self.name = name
        self.order: Any = "<"

    def build(self, state: Any) -> None:
        """Take (version, byte order, ...)."""
        self.order = state[1]


class PickledArray:
    """Stands for an array: made empty by ``_reconstruct``, filled by its state."""

    def __init__(self, *_: Any) -> None:
        self.shape: tuple[int, ...] = ()
        self.content: np.ndarray | list[Any] = []
        self.nbytes = 0

    def build(self, state: Any) -> None:
        """Take (version, shape, dtype, Fortran order, data)."""
        _, shape, dtype, fortran, content = state
        if not _is_shape(shape) or not isinstance(dtype, PickledDtype):
            raise ModelError("an array whose shape or dtype is none: not a weight file.")
        self.shape = shape
        self.content = content if isinstance(content, list) else _floats(shape, dtype, bool(fortran), content)
        self.nbytes = self.content.nbytes if isinstance(self.content, np.ndarray) else 0


def encode(text: Any, encoding: Any) -> bytes:
    """Stands for ``_codecs.encode``, by which Python 3 wrote bytes into old pickles: latin-1 alone."""
    if type(text) is not str or encoding not in ("latin1", "latin-1"):
        raise ModelError("bytes in another encoding than latin-1: not a weight file.")
    return text.encode("latin-1")


#: The class itself is only ever an argument of ``_reconstruct``, which ignores it.
NUMPY_GLOBALS = {
    ("numpy.core.multiarray", "_reconstruct"): PickledArray,
    ("numpy._core.multiarray", "_reconstruct"): PickledArray,
    ("numpy", "ndarray"): PickledArray,
    ("numpy", "dtype"): PickledDtype,
    ("_codecs", "encode"): encode,
}


def _is_shape(shape: Any) -> bool:
    return isinstance(shape, tuple) and len(shape) <= _MAX_RANK and all(type(n) is int and n > 0 for n in shape)


def _floats(shape: tuple[int, ...], dtype: PickledDtype, fortran: bool, content: Any) -> np.ndarray:
    if (dtype.order, dtype.name) not in (("<", "f4"), ("<", "f8")):
        raise ModelError("an array that is neither float32 nor float64 in little-endian order: not a weight file.")
    data = content.encode("latin-1") if isinstance(content, str) else content
    kind = np.dtype("<" + dtype.name)
    if not isinstance(data, bytes) or len(data) != math.prod(shape) * kind.itemsize:
        raise ModelError(f"an array of shape {shape} that has not the {math.prod(shape)} values it needs: damaged.")
    return np.frombuffer(data, kind).reshape(shape, order="F" if fortran else "C").astype(np.float32)
