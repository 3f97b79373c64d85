"""Recognition of out-of-memory and device errors by their messages, without importing torch."""

import errno
import re

from srntt.errors import MissingDependencyError, SrnttError

# Messages of torch's allocators (Linux, Windows, accelerators), cuBLAS, cuDNN, oneDNN, C++ and Python's threads.
_OUT_OF_MEMORY = re.compile(
    r"allocate memory|not enough memory|out of memory|ALLOC_FAILED|bad_alloc|could not create a (primitive|memory)"
    r"|can't start new thread",
    re.IGNORECASE,
)
_OPENCV_NO_MEMORY = "(-4:"  # code of cv2.error
_DEVICE = re.compile(r"\b(CUDA|CUDNN|CUBLAS|HIP|MPS|NCCL)\b|CUDNN_STATUS|CUBLAS_STATUS|CUSOLVER", re.IGNORECASE)


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error of torch, OpenCV, Python or the system means that an allocation failed, on any device."""
    if isinstance(error, SrnttError):  # already handled
        return False
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    if type(error).__module__ == "cv2":
        return _OPENCV_NO_MEMORY in str(error)
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    if isinstance(error, SystemError):  # C code that had no memory left to create a MemoryError
        return "without exception set" in str(error)
    return isinstance(error, RuntimeError) and bool(_OUT_OF_MEMORY.search(str(error)))


def is_of_device(error: BaseException) -> bool:
    """Return whether an error of torch means that an accelerator failed for a reason other than lack of memory."""
    if isinstance(error, SrnttError) or not isinstance(error, RuntimeError) or is_out_of_memory(error):
        return False
    return type(error).__name__ == "AcceleratorError" or bool(_DEVICE.search(str(error)))


def refuse_failed_device(error: Exception, work: str) -> None:
    """Raise a readable error if `error` means that the device failed; otherwise return.

    Raises:
        MissingDependencyError: The device failed. All later operations may fail until the process ends, so the work is
            abandoned and its results are discarded.
    """
    if is_of_device(error):
        raise MissingDependencyError(
            f"The device failed while {work}: {reason(error)}. Nothing was written. Try again; if it fails again, use "
            "device cpu (--device cpu), and check the driver."
        ) from error


def reason(error: BaseException) -> str:
    """Return the first line of an error's message, without the full stop."""
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
