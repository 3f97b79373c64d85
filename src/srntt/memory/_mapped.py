"""Tensors in a memory-mapped file, of which only the parts in use are resident."""

import mmap
import os
import tempfile
import weakref

import numpy as np
import torch
from torch import Tensor

from srntt._system import release_pages, reserve


class MappedFile:
    """Anonymous temporary file that holds tensors, deleted with the process.

    It is created in the folder for temporary files (TMPDIR). Pages that were read or written count as memory of the
    process until `rest` releases them; their content stays in the file.
    """

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 (closed by the finalizer)
        weakref.finalize(self, self._file.close)
        self._maps: list[mmap.mmap] = []

    def empty(self, *shape: int) -> Tensor:
        """Allocate an uninitialised float32 tensor; raise OSError if the disk is full, or files cannot be mapped."""
        start = os.fstat(self._file.fileno()).st_size
        start += -start % mmap.ALLOCATIONGRANULARITY
        size = int(np.prod(shape)) * 4
        reserve(self._file.fileno(), start, size)  # running out of disk space on a later write would kill the process
        self._maps.append(mmap.mmap(self._file.fileno(), size, offset=start))
        return torch.from_numpy(np.frombuffer(self._maps[-1], np.float32).reshape(shape))

    def rest(self) -> None:
        """Release the pages from the memory of the process, if the system supports it."""
        for mapped in self._maps:
            release_pages(mapped)
