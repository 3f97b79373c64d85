"""Pillow-bicubic bit for bit, and MATLAB-bicubic against its definition."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from image.pictures import waves
from PIL import Image
from reference.imresize import slow_imresize

from srntt.errors import InputError
from srntt.image import bicubic_matlab, bicubic_pillow, load, resize_pillow
from srntt.image._resize import _pillow_by_taps

SIDES = st.integers(1, 40)


def tensor(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1).float() / 255


def levels(x: torch.Tensor) -> np.ndarray:
    return (x * 255).round().byte().permute(1, 2, 0).numpy()


def by_pillow(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC))


@given(h=SIDES, w=SIDES, height=SIDES, width=SIDES, seed=st.integers(0, 2**32 - 1), extreme=st.booleans())
def test_pillow_bicubic_is_pillows_in_both_ways(h, w, height, width, seed, extreme):
    pixels = np.random.default_rng(seed).integers(0, 256, (h, w, 3), dtype=np.uint8)
    if extreme:  # black and white only: the largest overshoots
        pixels = np.where(pixels > 127, 255, 0).astype(np.uint8)
    expected = by_pillow(pixels, height, width)
    np.testing.assert_array_equal(levels(bicubic_pillow(tensor(pixels), (height, width))), expected)
    taps = _pillow_by_taps(torch.from_numpy(pixels).permute(2, 0, 1).int(), height, width)
    np.testing.assert_array_equal(taps.permute(1, 2, 0).numpy(), expected)
    np.testing.assert_array_equal(resize_pillow(pixels, (height, width)), expected)


@pytest.mark.parametrize("size", [(1, 1), (3, 2000), (700, 5), (166, 250)])
def test_pillow_bicubic_by_taps_at_extreme_ratios(size):
    pixels = waves(332, 500, 3)
    taps = _pillow_by_taps(torch.from_numpy(pixels).permute(2, 0, 1).int(), *size)
    np.testing.assert_array_equal(taps.permute(1, 2, 0).numpy(), by_pillow(pixels, *size))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_pillow_bicubic_on_a_gpu_is_pillows():
    pixels = waves(123, 77, 3)
    for size in ((31, 20), (492, 308)):
        there = bicubic_pillow(tensor(pixels).cuda(), size).cpu()
        np.testing.assert_array_equal(levels(there), by_pillow(pixels, *size))


def test_pillow_bicubic_keeps_batch_and_dtype():
    x = torch.rand(2, 5, 3, 8, 9, dtype=torch.float64)
    y = bicubic_pillow(x, (4, 4))
    assert y.shape == (2, 5, 3, 4, 4)
    assert y.dtype == torch.float64
    torch.testing.assert_close(y[1, 2], bicubic_pillow(x[1, 2], (4, 4)), rtol=0, atol=0)
    torch.testing.assert_close(bicubic_pillow(x, (8, 9)), (x * 255).round() / 255, rtol=0, atol=0)


def test_the_official_pictures_bit_for_bit(shared_data: Path):
    folder = shared_data / "golden-srntt"
    high, low, enlarged = (load(folder / f"{name}.png") for name in ("HR", "LR", "Bicubic"))
    for source, target in ((high, low), (low, enlarged)):
        result = bicubic_pillow(source.rgb(), (target.height, target.width))
        np.testing.assert_array_equal(levels(result), target.color)


@given(
    h=st.integers(1, 24),
    w=st.integers(1, 24),
    scale=st.sampled_from([0.25, 0.5, 1 / 3, 0.3, 0.07, 1.0, 1.5, 2, 3.7, 4]),
    seed=st.integers(0, 2**32 - 1),
)
def test_matlab_bicubic_by_scale_is_its_definition(h, w, scale, seed):
    x = np.random.default_rng(seed).random((2, h, w))
    result = bicubic_matlab(torch.from_numpy(x), scale=scale).numpy()
    size = (int(np.ceil(h * scale)), int(np.ceil(w * scale)))
    np.testing.assert_allclose(result, slow_imresize(x, size, (scale, scale)), rtol=0, atol=1e-13)


@given(h=st.integers(1, 24), w=st.integers(1, 24), height=SIDES, width=SIDES, seed=st.integers(0, 2**32 - 1))
def test_matlab_bicubic_by_size_is_its_definition(h, w, height, width, seed):
    x = np.random.default_rng(seed).random((2, h, w))
    result = bicubic_matlab(torch.from_numpy(x), size=(height, width)).numpy()
    expected = slow_imresize(x, (height, width), (height / h, width / w))
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("scale", [0.25, 4])
def test_matlab_bicubic_is_torchs_antialiased_on_a_mirrored_border(scale):
    x = torch.rand(3, 40, 48, dtype=torch.float64)
    border = 16
    padded = torch.from_numpy(np.pad(x.numpy(), ((0, 0), (border, border), (border, border)), mode="symmetric"))
    resized = F.interpolate(padded[None], scale_factor=scale, mode="bicubic", antialias=True)[0]
    cut = int(border * scale)
    torch.testing.assert_close(bicubic_matlab(x, scale=scale), resized[:, cut:-cut, cut:-cut], rtol=0, atol=1e-14)


def test_matlab_bicubic_in_float32_and_its_gradient():
    x = torch.rand(3, 20, 30, dtype=torch.float64)
    torch.testing.assert_close(
        bicubic_matlab(x.float(), scale=4), bicubic_matlab(x, scale=4).float(), rtol=0, atol=1e-6
    )
    small = torch.rand(1, 5, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: bicubic_matlab(x, size=(3, 9)), small)


def test_set5_low_resolution_files_are_matlabs(shared_data: Path):
    """MATLAB rounds uint8 after the vertical pass. These files come from a release that repeated the border instead of
    mirroring it, so the outermost 3 pixels differ; all others are equal."""
    high_files = sorted((shared_data / "sets/Set5").glob("*_HR.png"))
    assert len(high_files) == 5
    for file in high_files:
        high = load(file)
        low = load(file.with_name(file.name.replace("HR", "LR"))).color
        x = torch.from_numpy(high.color.copy()).permute(2, 0, 1).double()
        x = rounded_half_up(bicubic_matlab(x, size=(high.height // 4, high.width)))
        x = rounded_half_up(bicubic_matlab(x, size=(high.height // 4, high.width // 4)))
        np.testing.assert_array_equal(x.permute(1, 2, 0)[3:-3, 3:-3].numpy(), low[3:-3, 3:-3])


def rounded_half_up(x: torch.Tensor) -> torch.Tensor:
    return (x + 0.5 + 1e-9).floor().clamp(0, 255)  # 1e-9: halves that float64 has just below


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "exactly one"),
        ({"size": (2, 2), "scale": 2}, "exactly one"),
        ({"size": (0, 2)}, "0 x 2"),
        ({"scale": -1}, "positive"),
        ({"scale": float("nan")}, "positive"),
    ],
)
def test_matlab_bicubic_says_what_it_wants(options, message):
    with pytest.raises(InputError, match=message):
        bicubic_matlab(torch.rand(3, 4, 4), **options)


def test_pillow_bicubic_says_what_it_wants():
    with pytest.raises(InputError, match="4 x 0"):
        bicubic_pillow(torch.rand(3, 4, 4), (4, 0))
