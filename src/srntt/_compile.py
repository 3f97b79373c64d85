"""Compiling an inner loop with Numba, wherever srntt is installed."""

from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(function: Callable) -> Any:
    """Compile without the interpreter lock; keep the result on disk wherever Numba finds a folder it may write to.

    The function carries ``typing.no_type_check``: the import hook of the tests wraps others in Python, which Numba
    cannot compile.
    """
    try:
        return njit(nogil=True, cache=True, error_model="numpy")(function)
    except RuntimeError:  # read-only installation and no cache folder for the user
        return njit(nogil=True, error_model="numpy")(function)
