"""Support for processes forked after PyTorch was used.

Such a child inherits the locks of its parent but none of its threads, so that the first multi-threaded operation of
PyTorch would wait for them forever. Children therefore use a single thread.
"""

import torch

from srntt._system import after_fork

_FORKED = "forked process: one thread, because PyTorch's do not survive a fork; start processes with spawn for more"
_known = {"registered": False, "forked": False}


def expect_forks() -> tuple[str, ...]:
    """Make children forked from now on use one thread; call it before any work.

    Returns:
        A fallback note if this process is such a child; otherwise empty.
    """
    if not _known["registered"]:
        after_fork(_use_one_thread)
        _known["registered"] = True
    return (_FORKED,) if _known["forked"] else ()


def _use_one_thread() -> None:
    torch.set_num_threads(1)
    _known["forked"] = True
