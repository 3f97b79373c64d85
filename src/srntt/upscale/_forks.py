"""Work in a process that was forked from one that has worked before.

Such a child has its parent's locks and none of its threads: the first operation that PyTorch shares between threads
waits for them for ever. With one thread there is nothing to wait for.
"""

import os

import torch

_FORKED = "forked process: one thread, for PyTorch's do not survive a fork; start processes with spawn for more"
_known = {"registered": False, "forked": False}


def expect_forks() -> tuple[str, ...]:
    """To be called before work: children that are forked from now on have one thread.

    Returns:
        what is to be known of it, where this process is such a child.
    """
    if not _known["registered"] and hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_use_one_thread)
        _known["registered"] = True
    return (_FORKED,) if _known["forked"] else ()


def _use_one_thread() -> None:
    torch.set_num_threads(1)
    _known["forked"] = True
