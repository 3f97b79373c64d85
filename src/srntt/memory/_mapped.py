"""Tensors in a file: memory holds of them what is being read."""

import mmap
import os
import tempfile
import weakref
from contextlib import suppress

import numpy as np
import torch
from torch import Tensor


class MappedFile:
    """A temporary file without a name, gone with the process; its tensors are used like any others.

    It lies where temporary files do (TMPDIR). Pages that were read or written count as the process's memory until
    `rest` lets them go; what is in them stays in the file.
    """

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 (open for as long as this is)
        weakref.finalize(self, self._file.close)
        self._maps: list[mmap.mmap] = []

    def empty(self, *shape: int) -> Tensor:
        """A tensor of float32.

        Raises:
            OSError: the disk is full, or files cannot be mapped here.
        """
        start = os.fstat(self._file.fileno()).st_size
        start += -start % mmap.ALLOCATIONGRANULARITY
        size = int(np.prod(shape)) * 4
        if hasattr(os, "posix_fallocate"):  # a page that finds no room on the disk later would kill the process
            os.posix_fallocate(self._file.fileno(), start, size)
        else:
            self._file.truncate(start + size)
        self._maps.append(mmap.mmap(self._file.fileno(), size, offset=start))
        return torch.from_numpy(np.frombuffer(self._maps[-1], np.float32).reshape(shape))

    def rest(self) -> None:
        """Let the pages go from the process's memory, where the system can."""
        for mapped in self._maps:
            with suppress(AttributeError, OSError):
                mapped.madvise(mmap.MADV_DONTNEED)
