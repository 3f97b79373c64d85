"""Calls from Python with other things than the documentation names, and within other settings of PyTorch."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np
import torch
from attacks.attack import Attack
from attacks.material import tiny_model

from srntt import Upscaler
from srntt.upscale import self_ensemble

_MODEL = "tiny.safetensors"
_PICTURE = np.random.default_rng(0).integers(0, 256, (16, 12, 3), np.uint8)
_REFERENCE = np.random.default_rng(1).integers(0, 256, (40, 36, 3), np.uint8)
_TENSOR = torch.rand(3, 16, 12, generator=torch.Generator().manual_seed(0))
Call = Callable[[], Any]


def attacks() -> Iterator[Attack]:
    """All of them."""
    for name in _refused():
        code = _CODES.get(name, _USAGE)
        kind, _, rest = name.partition("-")
        about = f"within {rest}" if kind == "within" else f"{kind} that is none"
        yield _case(name, about, ("attacks.arguments:refuse", name), code, ".")
    for name in _SETTINGS:
        for when in ("loading", "work", "both"):
            about = f"PyTorch's {name} during {when}"
            yield _case(f"{when}-{name}", about, ("attacks.arguments:compare", name, when), 0, "the same bytes")


_USAGE, _PICTURE_FAILED = 2, 1
_CODES = {
    "references-6": _PICTURE_FAILED,
    "base-2": _PICTURE_FAILED,
    "picture-2": _PICTURE_FAILED,
    "picture-13": _PICTURE_FAILED,  # beyond the limits
    "picture-14": _PICTURE_FAILED,
    "picture-15": _PICTURE_FAILED,
}


def _case(name: str, about: str, command: Sequence[str], code: int, says: str) -> Attack:
    return Attack(f"python-{name}", about, tiny_model, tuple(command), code, says, mib=200)


def _refused() -> dict[str, Call]:
    """Calls that must raise an InputError, by name."""
    calls: dict[str, Call] = {}
    for option, values in _OPTIONS.items():
        for number, value in enumerate(values):
            calls[f"{option}-{number}"] = lambda o=option, v=value: _upscaler(**{o: v})
    for argument, values in _ARGUMENTS.items():
        for number, value in enumerate(values):
            given = {argument: value}
            model = "lite-rec" if argument == "base" else _MODEL
            calls[f"{argument}-{number}"] = lambda model=model, given=given: _upscaler(model=model).upscale(
                _PICTURE, [_REFERENCE], **given
            )
    for number, value in enumerate(_REFERENCES):
        calls[f"references-{number}"] = lambda value=value: _upscaler().encode_references(value)
    for name, transform in _TRANSFORMS.items():
        calls[f"within-{name}"] = lambda transform=transform: _within(transform)
        calls[f"within-{name}-array"] = lambda transform=transform: _within(transform, _PICTURE)
        calls[f"within-{name}-model"] = lambda transform=transform: transform(lambda _: _upscaler())
    for name in ("progress", "consistent", "protect_invert"):
        given: dict[str, Any] = {name: _PAIR}
        calls[f"ensemble-{name}"] = lambda given=given: self_ensemble(_upscaler(), _PICTURE, **given)
    calls["views-0"] = lambda: _upscaler().encode_references([_PICTURE], views=3)  # pyright: ignore
    for number, picture in enumerate(_PICTURES):
        calls[f"picture-{number}"] = lambda picture=picture: _upscaler().upscale(picture)
    for name, make in _TENSORS.items():
        calls[f"tensor-{name}"] = lambda make=make: _upscaler().upscale(make())
        calls[f"tensor-{name}-reference"] = lambda make=make: _upscaler().upscale(_PICTURE, [make()])
    return calls


def _upscaler(**options: Any) -> Upscaler:
    return Upscaler.from_pretrained(**{"model": _MODEL, "device": "cpu", **options})


_OPTIONS: dict[str, Sequence[Any]] = {
    "memory": ("9" * 400 + "GB", "9" * 50 + "GB", 10**5000, float("inf"), -1, True, [], b"1GB"),
    "device": (None, [], 1.5, "meta"),
    "matcher": (None, []),
    "align": (None, []),
    "model": (None, 3),
}
_PAIR = np.array([1, 2])  # has no truth value
_ARGUMENTS: dict[str, Sequence[Any]] = {
    "scale": ("4", float("nan"), float("inf"), 10**400, True, [4]),
    "size": (3, (1, 2, 3), ("9", None), (0, 9), (10**9, 10**9), (10**400, None), (True, None)),
    "strength": ("1", None, float("nan"), -1, 10**400),
    "protect": (3, [3], np.zeros((2, 2, 2, 2)), "none.png"),
    "base": (3, np.zeros(3), "none.png"),
    "tile": (True, 40.0, -1, _PAIR),
    "consistent": (_PAIR, "yes", None),
    "protect_invert": (_PAIR, 1, []),
    "value_range": (5, True, "x", b"xy", [], {}, (0, "1"), (0, 1, 2), (1, 0), (0, 10**400), torch.tensor(0.5)),
    "limits": (5, None, "x", _PAIR),
    "progress": (5, "x", [], _PAIR),
    "track": (5, "x", _PAIR),
}
_REFERENCES: Sequence[Any] = (None, 3, _PICTURE, [None], [3], [[_PICTURE]], [b"x"], [object()])
_PICTURES: Sequence[Any] = (
    None,
    3,
    b"x",
    [],
    np.zeros((0, 4, 3), np.uint8),
    np.zeros((4, 4, 7), np.uint8),
    np.zeros((2, 2, 2, 2, 3), np.uint8),
    np.full((4, 4, 3), np.nan),
    np.full((4, 4, 3), np.inf, np.float32),
    np.zeros((4, 4, 3), complex),
    np.zeros((4, 4, 3), object),
    np.array(["x"]),
    np.ma.masked_array(np.zeros((4, 4, 3), np.uint8), True).astype("datetime64[s]"),
    np.lib.stride_tricks.as_strided(np.zeros(1, np.uint8), (10**6, 10**6, 3), (0, 0, 0)),
    torch.zeros(1).expand(3, 10**6, 10**6),
    torch.zeros(1, dtype=torch.bfloat16).expand(10**6, 10**6),
)
_TENSORS: dict[str, Callable[[], torch.Tensor]] = {
    "meta": lambda: _TENSOR.to("meta"),
    "sparse": lambda: _TENSOR.to_sparse(),
    "sparse-rows": lambda: _quietly(lambda: _TENSOR.to_sparse_csr()),
    "quantized": lambda: _quietly(lambda: torch.quantize_per_tensor(_TENSOR, 0.01, 0, torch.quint8)),
    "nested": lambda: _quietly(lambda: torch.nested.nested_tensor([_TENSOR])),
    "complex": lambda: _TENSOR.to(torch.complex64),
}


_TRANSFORMS: dict[str, Callable[[Callable[[torch.Tensor], Any]], Any]] = {
    "vmap": lambda work: torch.vmap(work)(_TENSOR[None]),
    "grad": lambda work: torch.func.grad(work)(_TENSOR),
    "functionalize": lambda work: torch.func.functionalize(work)(_TENSOR),
}


def _within(transform: Callable[[Callable[[torch.Tensor], Any]], Any], picture: Any = None) -> None:
    """Upscale the tensor of a transform, or a picture, within it."""
    upscaler = _upscaler()
    transform(lambda tensor: upscaler.upscale(tensor if picture is None else picture))


def _quietly(make: Callable[[], torch.Tensor]) -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make()


def refuse(name: str) -> str:
    """Make a call, which must raise."""
    return f"{name} is taken: {_refused()[name]()!r}"


@contextmanager
def _default_dtype(dtype: torch.dtype) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


_SETTINGS: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "float64": lambda: _default_dtype(torch.float64),
    "float16": lambda: _default_dtype(torch.float16),
    "meta": lambda: torch.device("meta"),
    "autocast": lambda: torch.autocast("cpu"),
    "autocast-float16": lambda: torch.autocast("cpu", dtype=torch.float16),
    "inference": torch.inference_mode,
    "grad": torch.enable_grad,
    "anomaly": lambda: torch.autograd.set_detect_anomaly(True),
}


def compare(name: str, when: str) -> str:
    """Upscale within a setting of PyTorch, and compare with the same outside of it."""
    expected = _upscaler().upscale(_PICTURE, [_REFERENCE])
    with _SETTINGS[name]() if when != "work" else nullcontext():
        upscaler = _upscaler()
    with _SETTINGS[name]() if when != "loading" else nullcontext():
        result = upscaler.upscale(_PICTURE, [_REFERENCE])
        dtype, autocast = torch.get_default_dtype(), torch.is_autocast_enabled("cpu")
    if when != "loading":  # what the caller had set stays set
        with _SETTINGS[name]():
            assert (torch.get_default_dtype(), torch.is_autocast_enabled("cpu")) == (dtype, autocast)
    assert np.array_equal(result.similarity, expected.similarity)  # pyright: ignore
    return "the same bytes" if np.array_equal(result.array, expected.array) else "other bytes"
