"""Restricted unpickler for NumPy arrays.

A pickle is a program that can call any object it names. Here it can name five, all replaced by inert stand-ins that
validate shapes and dtypes themselves. `read_arrays`, for untrusted files, also checks every opcode beforehand. Only the
converters of published weights use this module; models are never pickled.
"""

import io
import math
import pickle
import pickletools
from collections.abc import Callable
from typing import Any

import numpy as np

from srntt.errors import ModelError

_MAX_STEPS = 200_000
_MAX_RANK = 4
_MAX_GROWTH = 4  # bytes created per byte read; bytes encoded as text, and float64 converted to float32, stay below
#: Opcodes for arrays, and lists and tuples of them. Dictionaries are excluded: hashing a nested key can take forever,
#: and BUILD can write a dictionary into any object.
_STEPS = frozenset(
    """
    PROTO FRAME STOP NONE NEWTRUE NEWFALSE BININT BININT1 BININT2 LONG1 BINUNICODE SHORT_BINUNICODE BINSTRING
    SHORT_BINSTRING BINBYTES SHORT_BINBYTES EMPTY_TUPLE EMPTY_LIST MARK TUPLE TUPLE1 TUPLE2 TUPLE3 APPEND APPENDS
    BINPUT LONG_BINPUT MEMOIZE BINGET LONG_BINGET GLOBAL STACK_GLOBAL REDUCE BUILD
    """.split()  # noqa: SIM905
)


class PickledArray:
    """Stand-in for an array, created empty and filled from its state.

    Attributes:
        content: float32 array, or the list of elements of an object array.
    """

    def __init__(self, take: Callable[[int], None]) -> None:
        self._take = take
        self.content: np.ndarray | list[Any] = []

    def __setstate__(self, state: Any) -> None:
        """Restore from (version, shape, dtype, Fortran order, data)."""
        _, shape, dtype, fortran, content = state
        if not _is_shape(shape) or not isinstance(dtype, _PickledDtype):
            raise ModelError("an array without a valid shape or dtype: not a weight file.")
        self.content = content if isinstance(content, list) else _floats(shape, dtype, bool(fortran), content)
        self._take(self.content.nbytes if isinstance(self.content, np.ndarray) else 0)


class ArrayUnpickler(pickle.Unpickler):
    """Unpickler that returns arrays as `PickledArray`; without `read_arrays`, only for files verified by their hash."""

    def __init__(self, content: bytes) -> None:
        super().__init__(io.BytesIO(content), encoding="latin1")
        self._left = _MAX_GROWTH * len(content)
        self._known = {
            ("numpy.core.multiarray", "_reconstruct"): self._array,
            ("numpy._core.multiarray", "_reconstruct"): self._array,
            ("numpy", "ndarray"): self._array,  # passed to _reconstruct, which ignores it
            ("numpy", "dtype"): _PickledDtype,
            ("_codecs", "encode"): self._encode,
        }

    def find_class(self, module: str, name: str) -> Any:
        """Return the stand-in of an allowed name; raise ModelError for any other."""
        if (module, name) not in self._known:
            raise ModelError(
                f"it asks for {module[:80]}.{name[:80]}, which weights do not need: refused, and nothing was run. "
                f"Allowed: {', '.join(sorted('.'.join(key) for key in self._known))}."
            )
        return self._known[module, name]

    def _array(self, *_: Any) -> PickledArray:
        return PickledArray(self._take)

    def _encode(self, text: Any, encoding: Any) -> bytes:
        """Stand-in for ``_codecs.encode``, with which Python 3 writes bytes to old pickles; latin-1 only."""
        if type(text) is not str or encoding not in ("latin1", "latin-1"):
            raise ModelError("bytes in an encoding other than latin-1: not a weight file.")
        self._take(len(text))
        return text.encode("latin-1")

    def _take(self, count: int) -> None:
        """Limit the memory: memoised objects can be copied any number of times, and a small file could exhaust it."""
        self._left -= count
        if self._left < 0:
            raise ModelError("a pickle that multiplies its content by copying: refused.")


def read_arrays(content: bytes) -> Any:
    """Read the arrays, or lists of arrays, of an untrusted pickle.

    Raises:
        ModelError: The pickle names anything else, has an opcode that arrays do not need, is too long, or is damaged.
            The caller adds the name of the file.
    """
    try:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(content)):
            if count > _MAX_STEPS:
                raise ModelError(f"a pickle of more than {_MAX_STEPS} opcodes, more than weights need: refused.")
            if opcode.name not in _STEPS:
                raise ModelError(f"the pickle opcode {opcode.name}, which weights do not need; nothing was run.")
            if (
                opcode.name == "LONG_BINPUT" and int(argument or 0) > count
            ):  # the memo table would grow to the given index
                raise ModelError("a pickle with gaps in its memo: damaged.")
        return ArrayUnpickler(content).load()
    except ModelError:
        raise
    except Exception as error:  # a damaged pickle can raise any exception
        raise ModelError(f"damaged: its pickle ends in {type(error).__name__}.") from error


class _PickledDtype:
    """Stand-in for ``numpy.dtype(name, align, copy)``."""

    def __init__(self, name: Any, *_: Any) -> None:
        self.name = name
        self.order: Any = "<"

    def __setstate__(self, state: Any) -> None:
        """Restore from (version, byte order, ...)."""
        self.order = state[1]


def _is_shape(shape: Any) -> bool:
    return isinstance(shape, tuple) and len(shape) <= _MAX_RANK and all(type(n) is int and n > 0 for n in shape)


def _floats(shape: tuple[int, ...], dtype: _PickledDtype, fortran: bool, content: Any) -> np.ndarray:
    if (dtype.order, dtype.name) not in (("<", "f4"), ("<", "f8")):
        raise ModelError("an array that is neither little-endian float32 nor float64: not a weight file.")
    data = content.encode("latin-1") if isinstance(content, str) else content
    kind = np.dtype("<" + dtype.name)
    if not isinstance(data, bytes) or len(data) != math.prod(shape) * kind.itemsize:
        raise ModelError(f"an array of shape {shape} that does not have {math.prod(shape)} values: damaged.")
    return np.frombuffer(data, kind).reshape(shape, order="F" if fortran else "C").astype(np.float32)
