"""One computation at a time in a process.

A computation uses all threads that PyTorch and Numba have, and its memory plan assumes that the process allocates
nothing else. Numba's default threading layer also aborts the process when two threads enter it. So calls from several
threads run one after another, in any process-wide order.
"""

import threading
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from srntt._defaults import original_defaults
from srntt._system import after_fork

P = ParamSpec("P")
T = TypeVar("T")
_lock = threading.RLock()


def in_turn(function: Callable[P, T]) -> Callable[P, T]:
    """Serialise the calls of all functions with this decorator across threads, with the defaults of PyTorch."""

    @wraps(function)
    def waiting(*args: P.args, **kwargs: P.kwargs) -> T:
        with _lock, original_defaults():
            return function(*args, **kwargs)

    return waiting


def _renew() -> None:
    """A child forked while another thread of its parent computed would wait forever."""
    global _lock
    _lock = threading.RLock()


after_fork(_renew)
