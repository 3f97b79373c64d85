"""What comes back fits what was given: kind, dtype, axes, range."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from srntt.image import Picture, load
from srntt.upscale import Upscaler
from srntt.upscale._forms import Form

GRAY = np.arange(30, dtype=np.uint8).reshape(5, 6) * 8
RGB = np.stack([GRAY, GRAY[::-1], GRAY[:, ::-1]], 2)


def enlarged(source) -> Picture:
    """As an upscale would return it: the same depth and channels, four times larger."""
    picture = load(source)
    alpha = None if picture.alpha is None else picture.alpha.repeat(4, 0).repeat(4, 1)
    return Picture(picture.color.repeat(4, 0).repeat(4, 1), alpha)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, ">u2", np.float16, np.float32, np.float64])
@pytest.mark.parametrize("channels", [None, 1, 2, 3, 4])
def test_arrays(dtype, channels: int | None):
    whole = np.dtype(dtype).kind == "u"
    array = GRAY.astype(dtype) if whole else (GRAY / 255).astype(dtype)
    array = array if channels is None else np.stack([array] * channels, 2)
    back = Form.of(array).like(enlarged(array))
    assert isinstance(back, np.ndarray)
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array.repeat(4, 0).repeat(4, 1))


@pytest.mark.parametrize(
    "dtype", [torch.uint8, torch.uint16, torch.float16, torch.bfloat16, torch.float32, torch.float64]
)
@pytest.mark.parametrize("channels", [None, 1, 3, 4])
def test_tensors(dtype: torch.dtype, channels: int | None):
    plane = torch.from_numpy(GRAY)
    plane = (plane.double() / 255).to(dtype) if dtype.is_floating_point else plane.to(dtype)
    tensor = plane if channels is None else torch.stack([plane] * channels)
    back = Form.of(tensor).like(enlarged(tensor))
    assert isinstance(back, torch.Tensor)
    assert (back.dtype, back.shape) == (dtype, (*tensor.shape[:-2], 20, 24))
    expected = tensor.double().repeat_interleave(4, -2).repeat_interleave(4, -1)
    allowed = 2**-8 if dtype == torch.bfloat16 else 1e-5  # of bfloat16's own steps near 1
    assert (back.double() - expected).abs().max() <= allowed


def test_files_and_pillow_images_come_back_for_pillow(tmp_path: Path):
    file = io.BytesIO()
    Image.fromarray(RGB).save(file, "PNG")
    (tmp_path / "a.png").write_bytes(file.getvalue())
    file.seek(0)
    upscaler = Upscaler.from_pretrained("lite-rec", device="cpu")
    for source in (Image.fromarray(RGB), tmp_path / "a.png", str(tmp_path / "a.png"), file.getvalue(), file, load(RGB)):
        back = upscaler.upscale(source).as_input()
        assert isinstance(back, Image.Image)
        assert (back.mode, back.size) == ("RGB", (24, 20))


def test_one_picture_in_every_kind_is_one_result():
    upscaler = Upscaler.from_pretrained("lite-rec", device="cpu")
    array = upscaler.upscale(RGB)
    floats = upscaler.upscale(RGB / 255)
    tensor = upscaler.upscale(torch.from_numpy(RGB.transpose(2, 0, 1).astype(np.float32) / 255))
    np.testing.assert_array_equal(array.as_input(), array.array)
    np.testing.assert_allclose(floats.as_input(), array.array / 255, atol=0.5001 / 255)
    assert len(np.unique(floats.as_input())) > 256  # no steps of 8 bits
    back = tensor.as_input()
    assert isinstance(back, torch.Tensor)
    assert (back.dtype, tuple(back.shape)) == (torch.float32, (3, 20, 24))
    np.testing.assert_array_equal(back.numpy(), tensor.tensor.numpy())
    np.testing.assert_allclose(back.permute(1, 2, 0).numpy(), array.array / 255, atol=0.5001 / 255)
    np.testing.assert_array_equal(np.asarray(array.image), array.array)
