"""Threads that share the compiled loops of one call."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np


class Threads(ThreadPoolExecutor):
    """A fixed number of threads."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number

    def run(self, work: Callable, tasks: list[tuple]) -> None:
        """Call `work` with each tuple of arguments; a single tuple runs in the calling thread."""
        if len(tasks) == 1:
            work(*tasks[0])
            return
        for job in [self.submit(work, *task) for task in tasks]:
            job.result()

    def shares(self, size: int, each: int = 1) -> list[tuple[int, int]]:
        """Divide ``0..size`` into about equal ranges, `each` for a thread."""
        return list(pairwise(np.unique(np.linspace(0, size, each * self.number + 1).astype(int)).tolist()))
