"""OpenCV made deterministic: one thread and a fixed seed, and the caller's setting afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager

import cv2

_SEED = 0


@contextmanager
def deterministic() -> Iterator[None]:
    """Run OpenCV on one thread from a fixed seed. On small pictures more threads gain nothing."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    cv2.setRNGSeed(_SEED)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
