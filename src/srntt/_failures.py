"""Errors of a machine that has no more memory, or whose device fails: told apart by their words, without torch."""

import errno
import re

from srntt.errors import MissingDependencyError, SrnttError

# Of torch's allocators on Linux, Windows and accelerators, of cuBLAS, cuDNN and oneDNN, of C++ and of Python's threads.
_OUT_OF_MEMORY = re.compile(
    r"allocate memory|not enough memory|out of memory|ALLOC_FAILED|bad_alloc|could not create a (primitive|memory)"
    r"|can't start new thread",
    re.IGNORECASE,
)
_DEVICE = re.compile(r"\b(CUDA|CUDNN|CUBLAS|HIP|MPS|NCCL)\b|CUDNN_STATUS|CUBLAS_STATUS|CUSOLVER", re.IGNORECASE)


def is_out_of_memory(error: BaseException) -> bool:
    """True for what torch, Python and the system raise when an allocation fails, on any device."""
    if isinstance(error, SrnttError):  # which has been thought of already
        return False
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    if isinstance(error, SystemError):  # of C code that had no memory left to make its MemoryError of
        return "without exception set" in str(error)
    return isinstance(error, RuntimeError) and bool(_OUT_OF_MEMORY.search(str(error)))


def is_of_device(error: BaseException) -> bool:
    """True for what torch raises when an accelerator fails other than for lack of memory."""
    if isinstance(error, SrnttError) or not isinstance(error, RuntimeError) or is_out_of_memory(error):
        return False
    return type(error).__name__ == "AcceleratorError" or bool(_DEVICE.search(str(error)))


def refuse_failed_device(error: Exception, work: str) -> None:
    """Raise in words what a failed device raised; nothing, if it was something else.

    Raises:
        MissingDependencyError: the device failed. It may fail at everything until the process ends: there is no going
            on, and nothing that it computed is used.
    """
    if is_of_device(error):
        raise MissingDependencyError(
            f"The device failed while {work}: {reason(error)}. Nothing was written. Try again; if it fails again, use "
            "device cpu (--device cpu), and look at its driver."
        ) from error


def reason(error: BaseException) -> str:
    """What an error says in its first line, without its full stop."""
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
