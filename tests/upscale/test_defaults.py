"""Whatever a caller has set in PyTorch, results are the same; whatever it passes, errors are those of srntt."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from srntt import Upscaler
from srntt.errors import InputError

PICTURE = np.random.default_rng(0).integers(0, 256, (16, 12, 3), np.uint8)
REFERENCES = [np.random.default_rng(1).integers(0, 256, (40, 36, 3), np.uint8)]
TENSOR = torch.rand(3, 16, 12, generator=torch.Generator().manual_seed(0))


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@pytest.fixture(scope="module")
def upscaler(model: Path) -> Upscaler:
    return Upscaler.from_pretrained(model, device="cpu")


@pytest.mark.parametrize(
    "surroundings",
    [
        lambda: default_dtype(torch.float64),
        lambda: default_dtype(torch.float16),
        lambda: torch.device("meta"),
        lambda: torch.autocast("cpu"),
        lambda: torch.autocast("cpu", dtype=torch.float16),
        torch.inference_mode,
        torch.enable_grad,
    ],
    ids=["float64", "float16", "meta", "bfloat16 autocast", "float16 autocast", "inference", "grad"],
)
@pytest.mark.parametrize("loaded_within", [False, True])
def test_what_surrounds_a_call_changes_nothing(
    model: Path, surroundings: Callable[[], AbstractContextManager[Any]], loaded_within: bool
) -> None:
    expected = Upscaler.from_pretrained(model, device="cpu").upscale(PICTURE, REFERENCES)
    outer, inner = (surroundings, nullcontext) if loaded_within else (nullcontext, surroundings)
    with outer():
        upscaler = Upscaler.from_pretrained(model, device="cpu")
        with inner():
            result = upscaler.upscale(PICTURE, REFERENCES)
            dtype, autocast = torch.get_default_dtype(), torch.is_autocast_enabled("cpu")
    assert np.array_equal(result.array, expected.array)
    assert result.similarity is not None
    assert np.array_equal(result.similarity, expected.similarity)  # pyright: ignore
    with outer(), inner():  # what the caller had set stays set
        assert (torch.get_default_dtype(), torch.is_autocast_enabled("cpu")) == (dtype, autocast)


@pytest.mark.parametrize(
    "make",
    [
        lambda: TENSOR.to("meta"),
        TENSOR.to_sparse,
        lambda: torch.quantize_per_tensor(TENSOR, 0.01, 0, torch.quint8),
        lambda: torch.nested.nested_tensor([TENSOR], layout=torch.jagged),
    ],
    ids=["meta", "sparse", "quantized", "nested"],
)
@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor")
def test_a_tensor_without_plain_values_is_refused(upscaler: Upscaler, make: Callable[[], torch.Tensor]) -> None:
    tensor = make()
    for give in (lambda: upscaler.upscale(tensor), lambda: upscaler.upscale(PICTURE, [tensor])):
        with pytest.raises(InputError, match="give a dense tensor that holds its values"):
            give()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float8_e4m3fn])
def test_a_small_float_is_what_it_is_as_float32(upscaler: Upscaler, dtype: torch.dtype) -> None:
    small = TENSOR.to(dtype)
    assert np.array_equal(upscaler.upscale(small).array, upscaler.upscale(small.float()).array)


def test_a_lazily_negated_tensor_is_its_values(upscaler: Upscaler) -> None:
    lazy = (-TENSOR)._neg_view()
    assert np.array_equal(upscaler.upscale(lazy).array, upscaler.upscale(TENSOR).array)


_WRONG = """
import sys, numpy as np
from srntt import Upscaler
from srntt.errors import SrnttError
model, picture = sys.argv[1], np.zeros((16, 12, 3), np.uint8)
upscaler = Upscaler.from_pretrained(model, device="cpu")
options = dict(
    memory=["9" * 400 + "GB", "9" * 50 + "GB", 10**5000, float("inf"), -1, True, [], b"1GB"],
    device=[None, [], 1.5, "meta"], matcher=[None, []], align=[None, []], model=[None, 3],
)
arguments = dict(
    scale=["4", float("nan")], size=[3, (1, 2, 3), ("9", None)], strength=["1", None], protect=[3, [3]], base=[3],
    tile=[True, 40.0],
)
references = [None, 3, picture, [None], [3], [[picture]]]
calls = [
    (name, lambda n=name, v=value: Upscaler.from_pretrained(**{"model": model, n: v}))
    for name, values in options.items() for value in values
]
calls += [
    (name, lambda n=name, v=value: upscaler.upscale(picture, [np.zeros((40, 36, 3), np.uint8)], **{n: v}))
    for name, values in arguments.items() for value in values
]
calls += [("references", lambda v=value: upscaler.encode_references(v)) for value in references]
calls += [("views", lambda: upscaler.encode_references([picture], views=3))]
for name, call in calls:
    try:
        call()
        print("NO ERROR", name)
    except SrnttError as error:
        print("refused", name) if len(str(error)) < 400 else print("LONG", name)
    except BaseException as error:
        print("FOREIGN", name, type(error).__name__, str(error)[:200])
"""


def test_arguments_of_other_types_are_refused(model: Path) -> None:
    """In another process, where types are not checked at each call as in these tests."""
    command = [sys.executable, "-c", _WRONG, str(model)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert len(lines) == 37
    assert [line for line in lines if not line.startswith("refused ")] == []
