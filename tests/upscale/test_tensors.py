"""Tensors of other types than float32; tests/attacks/arguments.py has those that are refused."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch._subclasses import FakeTensorMode

from srntt import Upscaler
from srntt.errors import InputError

TENSOR = torch.rand(3, 16, 12, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def upscaler(model: Path) -> Upscaler:
    return Upscaler.from_pretrained(model, device="cpu")


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float8_e4m3fn])
def test_a_small_float_is_what_it_is_as_float32(upscaler: Upscaler, dtype: torch.dtype) -> None:
    small = TENSOR.to(dtype)
    assert np.array_equal(upscaler.upscale(small).array, upscaler.upscale(small.float()).array)


def test_a_lazily_negated_tensor_is_its_values(upscaler: Upscaler) -> None:
    lazy = (-TENSOR)._neg_view()
    assert np.array_equal(upscaler.upscale(lazy).array, upscaler.upscale(TENSOR).array)


def test_fake_tensors_are_refused(upscaler: Upscaler, model: Path) -> None:
    """Here, because PyTorch's mode writes a folder, which the attacks may not."""
    fake = FakeTensorMode().from_tensor(TENSOR)
    with pytest.raises(InputError, match="hold no values"):
        upscaler.upscale(fake)
    with pytest.raises(InputError, match="hold no values"):
        upscaler.encode_references([fake])
    with FakeTensorMode(), pytest.raises(InputError, match="hold no values"):
        upscaler.upscale(np.zeros((16, 12, 3), np.uint8))
    with FakeTensorMode(), pytest.raises(InputError, match="hold no values"):
        Upscaler.from_pretrained(model, device="cpu")
