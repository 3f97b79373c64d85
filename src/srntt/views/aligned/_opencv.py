"""OpenCV made deterministic: one thread for each piece of work, a fixed seed, and the caller's setting afterwards."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import cv2
import torch

_SEED = 0
_WORKERS = 2

Given = TypeVar("Given")
Made = TypeVar("Made")


@contextmanager
def deterministic() -> Iterator[None]:
    """Run each call of OpenCV on one thread, from a fixed seed. On small pictures more threads gain nothing."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    cv2.setRNGSeed(_SEED)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)


def in_parallel(work: Callable[[Given], Made], pieces: Iterable[Given]) -> list[Made]:
    """Results in order; OpenCV leaves Python to other threads while it works. What draws at random is not for it."""
    if torch.get_num_threads() == 1:  # what threads of their own allocate is not given back to the system
        return list(map(work, pieces))
    with ThreadPoolExecutor(_WORKERS) as pool:
        return list(pool.map(work, pieces))
