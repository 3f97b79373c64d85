"""Errors of the machine are known by their words, whatever they are raised as, and said in ours."""

import errno

import cv2
import pytest
import torch

from srntt._failures import is_of_device, is_out_of_memory, refuse_failed_device
from srntt.cli._exit import Exit, exit_code, explanation
from srntt.errors import MemoryBudgetError, MissingDependencyError, ModelError

_NO_MEMORY = [
    MemoryError(),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"),
    RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes"),  # on Windows
    RuntimeError("MPS backend out of memory (MPS allocated: 18.00 GB)"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("std::bad_alloc"),
    RuntimeError("could not create a primitive"),  # oneDNN
    RuntimeError("can't start new thread"),  # whose stack finds no room
    SystemError("error return without exception set"),
    cv2.error("OpenCV(5.0.0) alloc.cpp:73: error: (-4:Insufficient memory) Failed to allocate 3328000 bytes"),
    OSError(errno.ENOMEM, "Cannot allocate memory"),
]
_DEVICE = [
    RuntimeError("CUDA error: an illegal memory access was encountered\nmore"),
    RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"),
    torch.AcceleratorError("unspecified launch failure"),
]
_OTHER = [
    ValueError("out of memory"),
    ModelError("CUDA out of memory"),
    MemoryBudgetError("does not fit"),
    OSError(errno.ENOSPC, "No space left on device"),
    RuntimeError("shapes differ"),
    cv2.error("OpenCV(5.0.0) canny.cpp:9: error: (-215:Assertion failed) !_src.empty()"),
    SystemError("bad call flags"),
]


@pytest.mark.parametrize("error", _NO_MEMORY, ids=repr)
def test_no_memory(error: Exception) -> None:
    assert is_out_of_memory(error)
    assert not is_of_device(error)
    refuse_failed_device(error, "rendering")
    assert (exit_code(error), explanation(error)[:14]) == (Exit.ENVIRONMENT, "Out of memory.")


@pytest.mark.parametrize("error", _DEVICE, ids=repr)
def test_a_device_that_fails(error: Exception) -> None:
    assert not is_out_of_memory(error)
    with pytest.raises(MissingDependencyError, match=r"failed while rendering: [^\n]*\. Nothing was written.*--device"):
        refuse_failed_device(error, "rendering")
    assert exit_code(error) == Exit.ENVIRONMENT
    assert explanation(error).startswith("The device failed: ")
    assert "\n" not in explanation(error)


@pytest.mark.parametrize("error", _OTHER, ids=repr)
def test_anything_else(error: Exception) -> None:
    assert not is_out_of_memory(error)
    assert not is_of_device(error)
    refuse_failed_device(error, "rendering")
