"""One computation at a time in a process, and processes forked after PyTorch was used.

A computation uses all threads that PyTorch and Numba have, and its memory plan assumes that the process allocates
nothing else. Numba's default threading layer also aborts the process when two threads enter it. So calls from several
threads run one after another, in any process-wide order.

A forked child inherits the locks of its parent but none of its threads, so that the first multi-threaded operation of
PyTorch would wait for them forever. Children therefore use a single thread.
"""

import threading
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import torch

from srntt._defaults import original_defaults
from srntt._system import after_fork

P = ParamSpec("P")
T = TypeVar("T")
_FORKED = "forked process: one thread, because PyTorch's do not survive a fork; start processes with spawn for more"
_lock = threading.RLock()
_known = {"registered": False, "forked": False}


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


def expect_forks() -> tuple[str, ...]:
    """Make children forked from now on use one thread, before any work; return a note if this process is one."""
    if not _known["registered"]:
        after_fork(_use_one_thread)
        _known["registered"] = True
    return (_FORKED,) if _known["forked"] else ()


def _use_one_thread() -> None:
    torch.set_num_threads(1)
    _known["forked"] = True
