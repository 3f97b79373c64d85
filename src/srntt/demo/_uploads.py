"""Upload folder of Gradio: limit of its size, and cleaning.

Gradio deletes complete uploads after an hour, but neither aborted uploads nor the folders of deleted files.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_BROKEN_OFF_SECONDS = 600.0  # without new bytes, after which an upload is considered aborted
_EMPTY_SECONDS = 60.0  # a folder is created just before its file
_LEAST_BYTES = 4096  # minimum size counted for a file or folder, so that many small ones count, too


class Uploads:
    """Size of the upload folder, updated with each upload and corrected by ``tidy``.

    Args:
        folder: Upload folder.
        most: Maximum size in bytes.
    """

    def __init__(self, folder: Path, most: int) -> None:
        self.folder, self.most = folder, most
        self._stored, self._coming, self._come_since = 0, 0, 0
        self._guard = threading.Lock()

    def has_room(self, length: int) -> bool:
        """Return whether an upload of `length` bytes fits, in addition to those in progress."""
        with self._guard:
            return self._stored + self._coming + length <= self.most

    @contextmanager
    def taking(self, length: int) -> Iterator[None]:
        """Reserve space during an upload; it counts as stored afterwards."""
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
        """Delete aborted uploads and empty folders, and measure the folder."""
        with self._guard:
            self._come_since = 0
        found = _tidied(self.folder)
        with self._guard:
            self._stored = found + self._come_since  # some may be counted twice until the next call


def _tidied(root: Path) -> int:
    """Clean the folder and return its size in bytes."""
    total, now = 0, time.time()
    for folder, _, names in os.walk(root, topdown=False):
        unfinished = folder == str(root)  # Gradio moves complete uploads to separate folders
        for name in names:
            with suppress(OSError):  # deleted in the meantime
                file = os.path.join(folder, name)
                known = os.stat(file)
                if unfinished and now - known.st_mtime > _BROKEN_OFF_SECONDS:
                    os.unlink(file)
                else:
                    total += max(_LEAST_BYTES, known.st_size)
        with suppress(OSError):  # not empty
            if not unfinished and now - os.stat(folder).st_mtime > _EMPTY_SECONDS:
                os.rmdir(folder)
                continue
        total += _LEAST_BYTES
    return total
