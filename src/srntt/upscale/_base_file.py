"""Upscaler in an ONNX file, validated before it is run by ONNX Runtime on the CPU."""

import hashlib
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from srntt._onnx_runtime import import_onnx_runtime
from srntt._shapes import Float
from srntt.errors import MemoryBudgetError, MissingDependencyError, ModelError
from srntt.memory import format_memory, resident_bytes

if TYPE_CHECKING:
    import onnx

PROBED = 64  # side of the test picture for a file with dynamic sizes
_LEAST = 48  # smallest side of a tile of fixed size
_LONGEST = 0.1  # seconds per pixel: ten times what the slowest upscalers take on a busy core
_WATCH_SECONDS = 0.05  # between two looks at a run
_LARGEST = 2**31 - 1  # bytes: limit of an ONNX file
_MOST_OPERATORS = 100_000  # DAT-light has 2,874
_WHOLE = ("",)  # the graph itself, among the names of its functions
_OWN_DOMAINS = {"", "ai.onnx"}
_FORM = "A base model takes one float32 picture, 1 x 3 x h x w, RGB in 0..1, and returns one, upscaled"


@dataclass(frozen=True, eq=False)
class BaseFile:
    """Loaded ONNX file of an upscaler; ``side`` is the height and width that it requires, None for any."""

    path: Path
    sha256: str
    side: tuple[int, int] | None
    session: Any

    @classmethod
    def open(cls, path: str | Path) -> "BaseFile":
        """Read and validate a file.

        Raises:
            MissingDependencyError: onnx or onnxruntime is not installed.
            ModelError: The file is missing or not ONNX, has tensors in other files or custom operators, or its inputs
                and outputs have another form.
        """
        if missing := [package for package in ("onnx", "onnxruntime") if find_spec(package) is None]:
            raise MissingDependencyError.of_extra(f"A base model needs {' and '.join(missing)}", "onnx")
        path = Path(path)
        content = _content(path)
        model = _parsed(path, content)
        _refuse_foreign(path, model)
        _refuse_large(path, model)
        side = _side(path, model)
        return cls(path, hashlib.sha256(content).hexdigest(), side, _session(path, content))

    def __call__(self, tile: Float[np.ndarray, "1 3 h w"], budget: int) -> Float[np.ndarray, "1 3 H W"]:
        """Upscale a tile within a budget of the process, in bytes, that is checked between two operators.

        Raises:
            MemoryBudgetError: Out of memory.
            ModelError: The model fails, takes too long, or its output is not an upscaled picture or not finite.
        """
        name = self.session.get_inputs()[0].name
        height, width = tile.shape[2:]
        try:
            (large,) = self._run_watched({name: np.ascontiguousarray(tile)}, height * width * _LONGEST, budget)
        except Exception as error:  # ONNX Runtime has a separate exception for each status
            text = str(error).splitlines()[0][:300]
            if any(word in str(error).lower() for word in ("bad_alloc", "allocate memory", "out of memory")):
                raise MemoryBudgetError(f"Out of memory in {self.path} at {width} x {height}.") from error
            raise ModelError(f"The base model {self.path} failed at {width} x {height}: {text}") from error
        large = np.asarray(large)
        fits = large.ndim == 4 and large.shape[:2] == (1, 3) and large.shape[2] * width == large.shape[3] * height
        if not fits or large.dtype != np.float32 or large.shape[2] % height or not large.size:
            raise ModelError(
                f"The base model {self.path} returned {large.dtype} of shape {large.shape} for a picture of shape "
                f"{tile.shape}. {_FORM} by a whole number."
            )
        if not np.isfinite(large).all():
            raise ModelError(f"The base model {self.path} returned values that are not finite.")
        return large

    def _run_watched(self, inputs: dict[str, np.ndarray], seconds: float, budget: int) -> list[Any]:
        """A model that does not end, or exceeds the budget, is ended; Ctrl-C would wait for it."""
        options, ended = import_onnx_runtime().RunOptions(), threading.Event()
        with ThreadPoolExecutor(1, "base model") as pool:
            watch = pool.submit(_watch, options, ended, seconds, budget)
            try:
                return self.session.run(None, inputs, options)
            except Exception as error:
                ended.set()
                if problem := watch.result():
                    raise problem from error
                raise
            finally:
                ended.set()


def _watch(options: Any, ended: threading.Event, seconds: float, most: int) -> Exception | None:
    """End a run that exceeds its time or memory, which is checked between two operators; return the reason."""
    until = time.monotonic() + seconds
    while not ended.wait(_WATCH_SECONDS):
        if time.monotonic() > until:
            problem: Exception = ModelError(f"it took more than {seconds:.0f} seconds, and was ended.")
        elif resident_bytes() > most:
            problem = MemoryError(f"out of memory: it took more than {format_memory(most)}, and was ended.")
        else:
            continue
        options.terminate = True
        return problem
    return None


def _content(path: Path) -> bytes:
    if not path.is_file():
        raise ModelError(f"{path} does not exist or is not a file. Give the ONNX file of an upscaler.")
    if (size := path.stat().st_size) > _LARGEST:
        raise ModelError(f"{path} has {size:,} bytes; the limit of an ONNX file is {_LARGEST:,}.")
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}.") from error


def _parsed(path: Path, content: bytes) -> "onnx.ModelProto":
    import onnx

    try:
        model = onnx.load_model_from_string(content)
    except Exception as error:  # any exception of protobuf
        raise ModelError(f"{path} is not an ONNX file, or damaged. Export the upscaler again.") from error
    if not model.graph.output:
        raise ModelError(f"{path} is not an ONNX file, or damaged: it has no output. Export the upscaler again.")
    return model


def _refuse_foreign(path: Path, model: "onnx.ModelProto") -> None:
    """Refuse external tensors, which could name any file of this machine, and custom operators."""
    import onnx

    own = _OWN_DOMAINS | {function.domain for function in model.functions}
    for body in chain.from_iterable(map(_bodies, (model.graph, *model.functions))):
        tensors: list[onnx.TensorProto] = []
        for node in body.node:
            if node.domain not in own:
                raise ModelError(
                    f"{path} uses the custom operator {node.domain[:50]}::{node.op_type[:50]}. Export the upscaler "
                    "with standard ONNX operators."
                )
            tensors += [tensor for attribute in node.attribute for tensor in (attribute.t, *attribute.tensors)]
        if isinstance(body, onnx.GraphProto):
            if body.sparse_initializer:
                raise ModelError(f"{path} has sparse tensors. Export the upscaler with dense tensors.")
            tensors += body.initializer
        for tensor in tensors:
            if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
                raise ModelError(
                    f"{path} stores {tensor.name[:50] or 'a tensor'} in another file. Export the upscaler with all "
                    "tensors inside (onnx.save(..., save_as_external_data=False))."
                )


def _refuse_large(path: Path, model: "onnx.ModelProto") -> None:
    """Refuse functions that call themselves, or each other very often: loading the file would not end."""
    calls = {_name(one.domain, one.name, one): _calls(one) for one in model.functions} | {_WHOLE: _calls(model.graph)}
    operators = dict[tuple[str, ...], int]()
    try:
        for name in TopologicalSorter(calls).static_order():
            operators[name] = sum(operators[called] for called in calls[name]) if name in calls else 1
    except CycleError:
        raise ModelError(f"{path} has a function that calls itself. Export the upscaler again.") from None
    if operators[_WHOLE] > _MOST_OPERATORS:
        raise ModelError(
            f"{path} has more than {_MOST_OPERATORS:,} operators when its functions are expanded. Export a smaller "
            "upscaler."
        )


def _calls(body: "onnx.GraphProto | onnx.FunctionProto") -> list[tuple[str, ...]]:
    """Name the operators and functions that a graph or a function calls."""
    return [_name(node.domain, node.op_type, node) for inner in _bodies(body) for node in inner.node]


def _name(domain: str, name: str, what: Any) -> tuple[str, ...]:
    return domain, name, getattr(what, "overload", "")


def _bodies(body: "onnx.GraphProto | onnx.FunctionProto") -> "Iterable[onnx.GraphProto | onnx.FunctionProto]":
    """Yield a graph or a function, and the graphs of its branches and loops."""
    yield body
    for node in body.node:
        for attribute in node.attribute:
            for inner in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
                yield from _bodies(inner)


def _side(path: Path, model: "onnx.ModelProto") -> tuple[int, int] | None:
    """Check that input and output are pictures, and return the required input size, or None."""
    import onnx

    constants = {item.name for item in model.graph.initializer}
    inputs = [item for item in model.graph.input if item.name not in constants]
    outputs = list(model.graph.output)
    if len(inputs) != 1 or len(outputs) != 1:
        names = (", ".join(item.name[:40] for item in items) or "none" for items in (inputs, outputs))
        raise ModelError(f"{path} has inputs {next(names)} and outputs {next(names)}. {_FORM}.")
    for item in (*inputs, *outputs):
        kind = item.type.tensor_type
        shape = [one.dim_value if one.HasField("dim_value") else None for one in kind.shape.dim]
        known = not kind.HasField("shape") or (len(shape) == 4 and shape[0] in (1, None) and shape[1] in (3, None))
        if kind.elem_type != onnx.TensorProto.FLOAT or not known:
            type_ = onnx.TensorProto.DataType.Name(kind.elem_type).lower()
            raise ModelError(f"{path}: {item.name[:40]} is {type_} of shape {_written(shape)}. {_FORM}.")
    shape = [one.dim_value for one in inputs[0].type.tensor_type.shape.dim] or [1, 3, 0, 0]
    if not shape[2] and not shape[3]:
        return None
    if min(shape[2:]) < _LEAST:
        raise ModelError(
            f"{path} takes pictures of {_written(shape[2:])} (height x width); tiles need at least {_LEAST} x "
            f"{_LEAST}, or dynamic sizes. Export the upscaler for a larger picture."
        )
    return shape[2], shape[3]


def _written(shape: "Iterable[int | None]") -> str:
    return " x ".join(str(extent or "?") for extent in shape) or "unknown"


def _session(path: Path, content: bytes) -> Any:
    onnxruntime = import_onnx_runtime()
    options = onnxruntime.SessionOptions()
    options.enable_cpu_mem_arena = options.enable_mem_pattern = False  # memory is returned after each tile
    options.intra_op_num_threads, options.log_severity_level = torch.get_num_threads(), 4
    try:
        # Constants that are folded while the file is loaded could take any time and memory, unwatched.
        return onnxruntime.InferenceSession(
            content, options, providers=["CPUExecutionProvider"], disabled_optimizers=["ConstantFolding"]
        )
    except Exception as error:  # ONNX Runtime has a separate exception for each status
        text = str(error).splitlines()[0][:300]
        raise ModelError(f"ONNX Runtime {onnxruntime.__version__} cannot load {path}: {text}") from error
