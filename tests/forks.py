"""Forks of a process that has imported everything."""

import os
import sys
import traceback
from collections.abc import Callable
from typing import NoReturn


def end_with(work: Callable[[], int]) -> NoReturn:
    """End this fork with the code that ``work`` gives, or 99 and what it raised; nothing of its parent's runs."""
    code = 99
    try:
        code = work()
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)
