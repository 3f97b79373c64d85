"""The folder that Gradio writes uploads to: what it may hold, and what Gradio leaves in it.

Gradio deletes what came whole, after an hour. What breaks off stays, and so do the folders of what it deletes.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_BROKEN_OFF_SECONDS = 600.0  # without a byte
_EMPTY_SECONDS = 60.0  # a folder is made just before its file comes
_LEAST_BYTES = 4096  # that any file or folder takes, so that many small ones count, too


class Uploads:
    """Keeps count without looking: whatever comes is added, and ``tidy`` looks what there is.

    Args:
        folder: that uploads go to.
        most: bytes that it may hold.
    """

    def __init__(self, folder: Path, most: int) -> None:
        self.folder, self.most = folder, most
        self._stored, self._coming, self._come_since = 0, 0, 0
        self._guard = threading.Lock()

    def has_room(self, length: int) -> bool:
        """Whether an upload of so many bytes fits, beside all that are on their way."""
        with self._guard:
            return self._stored + self._coming + length <= self.most

    @contextmanager
    def taking(self, length: int) -> Iterator[None]:
        """While an upload comes; afterwards it counts as being there."""
        with self._guard:
            self._coming += length
        try:
            yield
        finally:
            with self._guard:
                self._coming -= length
                self._stored += length
                self._come_since += length

    def tidy(self) -> None:
        """Delete what broke off and what is empty, and count what is there."""
        with self._guard:
            self._come_since = 0
        found = _tidied(self.folder)
        with self._guard:
            self._stored = found + self._come_since  # perhaps twice, until the next time


def _tidied(root: Path) -> int:
    """Bytes that are left."""
    total, now = 0, time.time()
    for folder, _, names in os.walk(root, topdown=False):
        unfinished = folder == str(root)  # Gradio gives each that is whole a folder of its own
        for name in names:
            with suppress(OSError):  # it went meanwhile
                file = os.path.join(folder, name)
                known = os.stat(file)
                if unfinished and now - known.st_mtime > _BROKEN_OFF_SECONDS:
                    os.unlink(file)
                else:
                    total += max(_LEAST_BYTES, known.st_size)
        with suppress(OSError):  # it is not empty
            if not unfinished and now - os.stat(folder).st_mtime > _EMPTY_SECONDS:
                os.rmdir(folder)
                continue
        total += _LEAST_BYTES
    return total
