"""PyTorch's process-wide defaults: computations here do not depend on what the caller has changed."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

import torch

P = ParamSpec("P")
T = TypeVar("T")


@contextmanager
def original_defaults() -> Iterator[None]:
    """Use float32, the CPU as default device, and no autocast within the block; costs nothing if nothing differs.

    The default dtype is that of the process, so that tensors created in other threads meanwhile are float32, too.
    """
    with ExitStack() as stack:
        if (changed := torch.get_default_dtype()) != torch.float32:
            stack.callback(torch.set_default_dtype, changed)
            torch.set_default_dtype(torch.float32)
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        for kind in ("cpu", "cuda"):
            if torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        yield


def with_original_defaults(function: Callable[P, T]) -> Callable[P, T]:
    """Run a function within ``original_defaults``."""

    @wraps(function)
    def within(*args: P.args, **kwargs: P.kwargs) -> T:
        with original_defaults():
            return function(*args, **kwargs)

    return within
