"""Compilation of inner loops with Numba."""

import logging
from collections.abc import Callable
from typing import Any

from numba import njit
from numba.core.caching import FunctionCache

_log = logging.getLogger("srntt")
_reported: set[str] = set()


def compiled(function: Callable) -> Any:
    """Compile a function that releases the interpreter lock; cache it on disk if Numba finds a writable folder.

    The function must be decorated with ``typing.no_type_check``; otherwise the import hook of the tests wraps it in
    Python code that Numba cannot compile. Damaged files of the cache are replaced.
    """
    try:
        dispatcher: Any = njit(nogil=True, cache=True, error_model="numpy")(function)
        dispatcher._cache = _ReplacedCache(function)
        return dispatcher
    except RuntimeError:  # read-only installation, and the user has no cache folder
        return njit(nogil=True, error_model="numpy")(function)


class _ReplacedCache(FunctionCache):
    """Cache whose damaged files are replaced, and that is not written if the disk is full. Both are reported once.

    Numba's own raises EOFError, or whatever reading a damaged file leads to, in every run.
    """

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Load compiled code; return None if there is none, or if it is damaged."""
        try:
            return super().load_overload(sig, target_context)
        except Exception as error:
            _report(
                f"The cache of compiled code in {self.cache_path} is damaged ({type(error).__name__}); it is replaced."
            )
        try:
            self.flush()
        except OSError:  # a read-only folder
            self.disable()
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Store compiled code, unless that fails."""
        try:
            super().save_overload(sig, data)
        except OSError as error:
            _report(f"Compiled code cannot be stored in {self.cache_path} ({error.strerror}): compiling is repeated.")


def _report(text: str) -> None:
    if text not in _reported:
        _reported.add(text)
        _log.warning(text)
