"""Compilation of inner loops with Numba."""

from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(function: Callable) -> Any:
    """Compile a function that releases the interpreter lock; cache it on disk if Numba finds a writable folder.

    The function must be decorated with ``typing.no_type_check``; otherwise the import hook of the tests wraps it in
    Python code that Numba cannot compile.
    """
    try:
        return njit(nogil=True, cache=True, error_model="numpy")(function)
    except RuntimeError:  # read-only installation, and the user has no cache folder
        return njit(nogil=True, error_model="numpy")(function)
