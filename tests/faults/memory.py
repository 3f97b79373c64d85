"""Allocation failures at each step, simulated and by the system; and failing devices."""

import resource
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from batch.pictures import pixels
from faults.children import in_fork, run
from faults.fault import Fault, Ground, Trial, spread
from faults.works import is_reported, judged, known, leftovers, works
from torch.utils._python_dispatch import TorchDispatchMode

from srntt.errors import MemoryBudgetError, MissingDependencyError, SrnttError
from srntt.match import Match
from srntt.models import EncodedView
from srntt.upscale import Result, Upscaler

_SEVERE = ("upscale", "batch", "train", "weights")
_STEP_MIB = 4
_NO_MEMORY: tuple[Exception, ...] = (
    RuntimeError("[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:117] data. DefaultCPUAllocator: not enough memory: you tried to"),
    RuntimeError("std::bad_alloc"),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError("CUDA error: out of memory"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("MPS backend out of memory (MPS allocated: 18.00 GB, other allocations: 1.00 MB)"),
    MemoryError("Unable to allocate 2.00 GiB for an array"),
)
_BROKEN: tuple[Exception, ...] = (
    RuntimeError("CUDA error: an illegal memory access was encountered\nCUDA kernel errors might be reported later"),
    torch.AcceleratorError("CUDA error: unspecified launch failure"),
    RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"),
    RuntimeError("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasSgemm(handle)`"),
    RuntimeError("CUDA error: no kernel image is available for execution on the device"),
    RuntimeError("CUDA error: device-side assert triggered"),
)


def faults() -> Iterator[Fault]:
    """All of them."""
    yield Fault("memory-once", "upscale: allocation failure for one operation of torch, each in turn", _once, 8, 200)
    yield Fault("memory-never", "upscale: allocation failures from one operation on", _from_then_on, 4, 100)
    for name in _SEVERE:
        about = f"{name}: the system (RLIMIT_AS) gives {_STEP_MIB} MiB more each time"
        yield Fault(f"address-space-{name}", about, _address_space(name), 0, 30)
    yield Fault("device-memory", "upscale: a stand-in GPU runs out at each call in turn", _device_memory, 8, 64)
    yield Fault("device-error", "upscale: a stand-in GPU fails at each call in turn", _device_error, 6, 48)


class _Refusing(TorchDispatchMode):
    """Counts torch's operations, and makes one of them, or all from it on, raise."""

    def __init__(self, at: int = 0, error: Exception | None = None, *, forever: bool = False) -> None:
        super().__init__()
        self.count, self._at, self._error, self._forever = 0, at, error, forever

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += 1
        if self._error and (self.count == self._at or (self._forever and self.count > self._at)):
            raise self._error
        return func(*args, **(kwargs or {}))


def _picture() -> np.ndarray:
    return pixels(70, 40)


def _upscaled(upscaler: Upscaler) -> Result:
    references = upscaler.encode_references([pixels(96, 80, 1)])
    return upscaler.upscale(_picture(), references, tile=64)


def _once(ground: Ground, count: int) -> Iterator[Trial]:
    yield from _in_one_fork(ground, lambda upscaler: _refused(upscaler, count, forever=False))


def _from_then_on(ground: Ground, count: int) -> Iterator[Trial]:
    yield from _in_one_fork(ground, lambda upscaler: _refused(upscaler, count, forever=True))


def _in_one_fork(ground: Ground, trials: Callable[[Upscaler], Iterator[Trial]]) -> Iterator[Trial]:
    works(ground)  # creates the model
    model = ground.root / "things" / "model"

    def function() -> list:
        upscaler = Upscaler.from_pretrained(model, device="cpu", matcher="exact")
        return [(trial.outcome, trial.lost) for trial in trials(upscaler)]

    for outcome, lost in in_fork(function):
        yield Trial(outcome, tuple(lost))


def _refused(upscaler: Upscaler, count: int, *, forever: bool) -> Iterator[Trial]:
    whole = _upscaled(upscaler).array
    with _Refusing() as counting:
        _upscaled(upscaler)
    for number, at in enumerate(spread(count, counting.count)):
        error = _NO_MEMORY[number % len(_NO_MEMORY)]

        def upscaled(at: int = at, error: Exception = error) -> Result:
            with _Refusing(at, error, forever=forever):
                return _upscaled(upscaler)

        yield _judged(upscaled, whole, (MemoryBudgetError,))


def _judged(upscaled: Callable[[], Result], whole: np.ndarray, allowed: tuple[type[Exception], ...]) -> Trial:
    """A correct image with a note about fallbacks, or one of the permitted errors."""
    try:
        result = upscaled()
    except allowed as error:
        return Trial(f"refused ({type(error).__name__})")
    except Exception as error:
        from srntt._failures import is_out_of_memory

        if is_out_of_memory(error) and MemoryBudgetError in allowed:
            return Trial("refused (torch's own error)")
        return Trial("", (f"{type(error).__name__}: {str(error)[:200]}",))
    worst = int(np.abs(result.array.astype(int) - whole).max())
    lost = [f"differs by {worst} levels"] if worst > 1 else []
    lost += [] if result.fallbacks else ["no fallback is reported"]
    return Trial("done with a reported fallback" + ("" if worst else ": the same bytes"), tuple(lost))


def _address_space(name: str) -> Callable[[Ground, int], Iterator[Trial]]:
    def inject(ground: Ground, count: int) -> Iterator[Trial]:
        work, whole = known(name, ground)
        for number in range(count):
            with ground.folder() as folder:
                ended = run(folder, work.begin, partial(_allow_mib, number * _STEP_MIB))
                _, lost = judged(work, whole, folder)
                lost += [f"left: {left}"] if ended.code >= 0 and (left := leftovers(folder)) else []
                if ended.code == 0:
                    yield Trial("done", tuple(lost))
                elif ended.code < 0:
                    yield Trial(f"ended by signal {-ended.code}, no half file", tuple(lost))
                else:
                    yield Trial("refused", (*lost, *is_reported(ended)))

    return inject


def _allow_mib(amount: int) -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    space = pages * resource.getpagesize() + (amount << 20)
    resource.setrlimit(resource.RLIMIT_AS, (space, space))


def _device_memory(ground: Ground, count: int) -> Iterator[Trial]:
    yield from _in_one_fork(ground, lambda upscaler: _on_device(upscaler, count, _NO_MEMORY, (MemoryBudgetError,)))


def _device_error(ground: Ground, count: int) -> Iterator[Trial]:
    yield from _in_one_fork(ground, lambda upscaler: _on_device(upscaler, count, _BROKEN, (MissingDependencyError,)))


def _on_device(
    upscaler: Upscaler, count: int, errors: tuple[Exception, ...], allowed: tuple[type[SrnttError], ...]
) -> Iterator[Trial]:
    """A model on the meta device, which here computes like the CPU and fails on request."""
    whole = _upscaled(upscaler).array
    gpu = _StandIn(upscaler)
    gpu.fail_at(0, errors[0])
    assert np.array_equal(_upscaled(upscaler).array, whole)
    calls = gpu.calls
    for number in range(count):
        gpu.fail_at(1 + number % calls, errors[number % len(errors)])
        trial = _judged(lambda: _upscaled(upscaler), whole, allowed)
        if allowed == (MissingDependencyError,) and not trial.lost and not trial.outcome.startswith("refused"):
            trial = Trial("", ("a picture, though the device had failed",))
        yield trial


class _StandIn:
    """A simulated GPU: every call of the model on it is counted, and one of them fails."""

    def __init__(self, upscaler: Upscaler) -> None:
        self.calls, self._at, self._error = 0, 0, None
        real = upscaler._drive_on
        fake = self._failing(real(torch.device("cpu")))
        upscaler.device = torch.device("meta")
        upscaler._drive_on = lambda device: fake if device.type == "meta" else real(device)  # pyright: ignore
        EncodedView.on = Match.on = lambda self, device: self  # pyright: ignore

    def fail_at(self, call: int, error: Exception) -> None:
        self.calls, self._at, self._error = 0, call, error

    def _failing(self, drive):
        names = ("scale", "halo", "appetite", "patch", "key", "context", "matching_bytes")
        fake = SimpleNamespace(**{name: getattr(drive, name) for name in names})
        for name in ("encode", "describe", "match", "render"):
            setattr(fake, name, self._counted(getattr(drive, name)))
        return fake

    def _counted(self, real: Callable) -> Callable:
        def call(*arguments, **named):
            self.calls += 1
            if self.calls == self._at:
                raise self._error  # pyright: ignore
            return real(*arguments, **named)

        return call
