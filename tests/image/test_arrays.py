"""Arrays and tensors: kept as they are, or refused with words."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from image.pictures import waves

from srntt.errors import InputError, SrnttError
from srntt.image import load


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, ">u2"])
@pytest.mark.parametrize("channels", [0, 1, 2, 3, 4])
def test_arrays_are_kept_exactly_and_copied(dtype, channels):
    array = waves(5, 4, channels or 1, np.dtype(dtype).newbyteorder("=").type).astype(dtype)
    array = array if channels else array[:, :, 0]
    picture = load(array)
    kept = picture.color if picture.alpha is None else np.dstack([picture.color, picture.alpha])
    np.testing.assert_array_equal(kept, array.reshape(5, 4, -1))
    assert kept.dtype.isnative
    assert picture.is_gray == (channels < 3)
    assert not np.shares_memory(picture.color, array)
    assert picture.source == "<array>"


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_come_back_as_they_were_to_half_a_step_of_16_bits(dtype):
    values = np.linspace(0, 1, 256).reshape(16, 16).astype(dtype)
    picture = load(values)
    assert (picture.bits, picture.values().dtype) == (16, dtype)
    np.testing.assert_allclose(picture.values()[:, :, 0], values, atol=1e-3 if dtype == np.float16 else 0.5001 / 65_535)


def test_floats_are_kept_with_16_bits():
    values = np.linspace(0, 1, 99).reshape(11, 9)
    picture = load(values)
    assert picture.bits == 16
    np.testing.assert_allclose(picture.rgb()[0].numpy(), values, atol=0.5 / 65_535 + 1e-7)


def test_tensors_have_their_channels_first():
    array = waves(5, 4, 3)
    for tensor in (torch.from_numpy(array), torch.from_numpy(array).float() / 255):
        picture = load(tensor.permute(2, 0, 1).requires_grad_(tensor.is_floating_point()))
        np.testing.assert_array_equal(picture.to_8bit().color, array)
    assert load(torch.rand(1, 5, 4)).is_gray
    assert (load(torch.rand(5, 4)).height, load(torch.rand(5, 4)).is_gray) == (5, True)
    assert load(torch.zeros(3, 5, 4, dtype=torch.uint16)).bits == 16
    assert load(torch.rand(3, 5, 4, dtype=torch.bfloat16)).height == 5


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((2, 3, 4, 3), np.uint8), r"\(2, 3, 4, 3\).*no batch axis"),
        (np.zeros((3, 20, 20), np.uint8), "channels come last"),
        (np.zeros(5, np.uint8), r"array of shape \(5,\)"),
        (np.zeros((0, 3), np.uint8), "no pixels"),
        (np.zeros((2, 2), np.int64), "array of int64: give uint8"),
        (np.zeros((2, 2), bool), "array of bool"),
        (np.zeros((2, 2), complex), "array of complex128"),
        (np.full((2, 2), 255.0), r"float samples from 255 to 255; only 0\.\.1 is allowed.*value_range"),
        (np.full((2, 2), -0.1), r"from -0\.1 to -0\.1; only 0\.\.1"),
        (np.full((2, 2), np.nan), "not finite"),
        (np.zeros((3, 20, 20), np.uint8), r"give array\.transpose\(1, 2, 0\)"),
        (torch.zeros(1, 3, 4, 4), r"no batch axis\. Give the pictures one at a time"),
        (torch.zeros(20, 20, 3), r"channels come first in tensors.*give tensor\.permute\(2, 0, 1\)"),
        (torch.zeros(5), r"tensor of shape \(5,\)"),
        (torch.zeros(3, 4, 4, dtype=torch.int32), "array of int32"),
    ],
)
def test_what_is_no_picture_is_refused_with_words(array, message):
    with pytest.raises(InputError, match=message):
        load(array)


@given(
    hnp.arrays(
        st.one_of(hnp.integer_dtypes(), hnp.unsigned_integer_dtypes(), hnp.floating_dtypes(), hnp.boolean_dtypes()),
        hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5),
    )
)
def test_any_array_is_a_picture_or_refused(array):
    try:
        picture = load(array)
    except SrnttError:
        return
    assert (picture.height, picture.width) == array.shape[:2]
