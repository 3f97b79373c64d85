"""NumPy arrays out of a pickle, by an unpickler that knows arrays and nothing else.

A pickle is a program that can call whatever it names. Here it can name five things, and inert stand-ins answer for
them: shapes and dtypes are judged here, not by NumPy. `read_arrays`, for files that anybody may have written, looks at
every step beforehand. Only the converters of foreign weights use this; models never do.
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
_MAX_GROWTH = 4  # bytes made of each byte read: text that stands for bytes, and float64 kept as float32, stay below
#: What arrays, and lists and tuples of them, take. No dictionary: the hash of a nested key can take for ever, and BUILD
#: can put a dictionary into whatever object is there.
_STEPS = frozenset(
    """
    PROTO FRAME STOP NONE NEWTRUE NEWFALSE BININT BININT1 BININT2 LONG1 BINUNICODE SHORT_BINUNICODE BINSTRING
    SHORT_BINSTRING BINBYTES SHORT_BINBYTES EMPTY_TUPLE EMPTY_LIST MARK TUPLE TUPLE1 TUPLE2 TUPLE3 APPEND APPENDS
    BINPUT LONG_BINPUT MEMOIZE BINGET LONG_BINGET GLOBAL STACK_GLOBAL REDUCE BUILD
    """.split()  # noqa: SIM905
)


class PickledArray:
    """Stands for an array: made empty, filled by its state.

    Attributes:
        content: float32, or the list of an array of objects.
    """

    def __init__(self, take: Callable[[int], None]) -> None:
        self._take = take
        self.content: np.ndarray | list[Any] = []

    def __setstate__(self, state: Any) -> None:
        """Take (version, shape, dtype, Fortran order, data)."""
        _, shape, dtype, fortran, content = state
        if not _is_shape(shape) or not isinstance(dtype, _PickledDtype):
            raise ModelError("an array whose shape or dtype is none: not a weight file.")
        self.content = content if isinstance(content, list) else _floats(shape, dtype, bool(fortran), content)
        self._take(self.content.nbytes if isinstance(self.content, np.ndarray) else 0)


class ArrayUnpickler(pickle.Unpickler):
    """Reads pickles of arrays, which come as `PickledArray`. By itself it is for files that are known by their hash."""

    def __init__(self, content: bytes) -> None:
        super().__init__(io.BytesIO(content), encoding="latin1")
        self._left = _MAX_GROWTH * len(content)
        self._known = {
            ("numpy.core.multiarray", "_reconstruct"): self._array,
            ("numpy._core.multiarray", "_reconstruct"): self._array,
            ("numpy", "ndarray"): self._array,  # only ever an argument of _reconstruct, which ignores it
            ("numpy", "dtype"): _PickledDtype,
            ("_codecs", "encode"): self._encode,
        }

    def find_class(self, module: str, name: str) -> Any:
        """A stand-in; raises ModelError for any other name."""
        if (module, name) not in self._known:
            raise ModelError(
                f"it asks for {module[:80]}.{name[:80]}, which weights do not need: refused, and nothing was run. "
                f"Allowed are {', '.join(sorted('.'.join(key) for key in self._known))}."
            )
        return self._known[module, name]

    def _array(self, *_: Any) -> PickledArray:
        return PickledArray(self._take)

    def _encode(self, text: Any, encoding: Any) -> bytes:
        """Stands for ``_codecs.encode``, by which Python 3 wrote bytes into old pickles: latin-1 alone."""
        if type(text) is not str or encoding not in ("latin1", "latin-1"):
            raise ModelError("bytes in another encoding than latin-1: not a weight file.")
        self._take(len(text))
        return text.encode("latin-1")

    def _take(self, count: int) -> None:
        """What is remembered can be copied any number of times: a small file would fill the memory."""
        self._left -= count
        if self._left < 0:
            raise ModelError("a pickle that makes more than it holds, by copying: refused.")


def read_arrays(content: bytes) -> Any:
    """The arrays, or lists of them, that a pickle of unknown origin holds.

    Raises:
        ModelError: it names something else, has a step that arrays do not need, is too long, or is damaged. The caller
            adds which file it was.
    """
    try:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(content)):
            if count > _MAX_STEPS:
                raise ModelError(f"a pickle of more than {_MAX_STEPS} steps, more than weights need: refused.")
            if opcode.name not in _STEPS:
                raise ModelError(f"the pickle step {opcode.name}, which weights do not need: refused; nothing was run.")
            if (
                opcode.name == "LONG_BINPUT" and int(argument or 0) > count
            ):  # the table would be as long as the number says
                raise ModelError("a pickle that leaves gaps in what it remembers: damaged.")
        return ArrayUnpickler(content).load()
    except ModelError:
        raise
    except Exception as error:  # a damaged program fails in any way it likes
        raise ModelError(f"damaged: its pickle ends in {type(error).__name__}.") from error


class _PickledDtype:
    """Stands for ``numpy.dtype(name, align, copy)``."""

    def __init__(self, name: Any, *_: Any) -> None:
        self.name = name
        self.order: Any = "<"

    def __setstate__(self, state: Any) -> None:
        """Take (version, byte order, ...)."""
        self.order = state[1]


def _is_shape(shape: Any) -> bool:
    return isinstance(shape, tuple) and len(shape) <= _MAX_RANK and all(type(n) is int and n > 0 for n in shape)


def _floats(shape: tuple[int, ...], dtype: _PickledDtype, fortran: bool, content: Any) -> np.ndarray:
    if (dtype.order, dtype.name) not in (("<", "f4"), ("<", "f8")):
        raise ModelError("an array that is neither float32 nor float64 in little-endian order: not a weight file.")
    data = content.encode("latin-1") if isinstance(content, str) else content
    kind = np.dtype("<" + dtype.name)
    if not isinstance(data, bytes) or len(data) != math.prod(shape) * kind.itemsize:
        raise ModelError(f"an array of shape {shape} that has not the {math.prod(shape)} values it needs: damaged.")
    return np.frombuffer(data, kind).reshape(shape, order="F" if fortran else "C").astype(np.float32)
