"""PyTorch's process-wide defaults: computations here do not depend on what the caller has changed."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

import torch
from torch._C import _get_dispatch_mode, _TorchDispatchModeKey
from torch._C._functorch import is_functorch_wrapped_tensor, peek_interpreter_stack
from torch._subclasses import FakeTensor

from srntt.errors import InputError

P = ParamSpec("P")
T = TypeVar("T")
_NO_VALUES = (
    "Fake tensors and functional transforms (FakeTensorMode, vmap, torch.func, make_fx) are not supported: their "
    "tensors hold no values. Call srntt outside of them, with plain tensors."
)


@contextmanager
def original_defaults() -> Iterator[None]:
    """Use float32, the CPU as default device, and no autocast within the block; costs nothing if nothing differs.

    The default dtype is that of the process, so that tensors created in other threads meanwhile are float32, too.

    Raises:
        InputError: Tensors created here would hold no values.
    """
    _refuse_tracing()
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


def refuse_without_values(tensor: torch.Tensor) -> None:
    """Raise InputError for a fake tensor, and for a tensor of a functional transform such as vmap."""
    if isinstance(tensor, FakeTensor) or is_functorch_wrapped_tensor(tensor):
        raise InputError(_NO_VALUES)


def _refuse_tracing() -> None:
    modes = _TorchDispatchModeKey.__members__.values()  # FakeTensorMode, make_fx and such
    if peek_interpreter_stack() is not None or any(_get_dispatch_mode(mode) is not None for mode in modes):
        raise InputError(_NO_VALUES)


def with_original_defaults(function: Callable[P, T]) -> Callable[P, T]:
    """Run a function within ``original_defaults``."""

    @wraps(function)
    def within(*args: P.args, **kwargs: P.kwargs) -> T:
        with original_defaults():
            return function(*args, **kwargs)

    return within
