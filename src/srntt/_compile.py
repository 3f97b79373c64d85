"""Compilation of inner loops with Numba."""

import hashlib
import io
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from numba import njit
from numba.core.caching import FunctionCache, IndexDataCacheFile

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

    Numba's own raises EOFError, or whatever reading a damaged file leads to, in every run; or the process crashes.
    """

    def __init__(self, function: Callable) -> None:
        super().__init__(function)
        implementation: Any = self._impl
        self._cache_file = _CheckedFile(
            cache_path=self._cache_path,
            filename_base=f"{implementation.filename_base}.checked",  # files without a hash have Numba's own names
            source_stamp=implementation.locator.get_source_stamp(),
        )

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


class _CheckedFile(IndexDataCacheFile):
    """Index and data files, each followed by its SHA-256, which is compared before anything is unpickled or linked."""

    def _load_index(self) -> dict:
        path = Path(self._index_path)
        if path.exists():
            _check(path)
        return super()._load_index()

    def _load_data(self, name: str) -> Any:
        _check(Path(self._data_path(name)))
        return super()._load_data(name)

    @contextmanager
    def _open_for_write(self, filepath: str) -> Iterator[Any]:
        with super()._open_for_write(filepath) as file, io.BytesIO() as content:
            yield content
            file.write(content.getvalue() + hashlib.sha256(content.getvalue()).digest())  # unpickling ignores the rest


def _check(path: Path) -> None:
    content, size = path.read_bytes(), hashlib.sha256().digest_size
    if hashlib.sha256(content[:-size]).digest() != content[-size:]:
        raise ValueError(f"{path} has another SHA-256")


def _report(text: str) -> None:
    if text not in _reported:
        _reported.add(text)
        _log.warning(text)
