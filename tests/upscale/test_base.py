"""A picture that another upscaler enlarged, as base."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms

from srntt.errors import InputError, ModelError
from srntt.image import Metadata, Picture, enlarge
from srntt.memory import resident_bytes
from srntt.metrics import psnr_y
from srntt.models.lite import blend_with_base
from srntt.upscale import Upscaler, self_ensemble

_BICUBIC = Image.Resampling.BICUBIC


@pytest.fixture(scope="module")
def good(truth):
    """A base that knows more than any upscaler: the truth, a little blurred."""
    half = truth.resize((truth.width * 2 // 3, truth.height * 2 // 3), _BICUBIC)
    return half.resize(truth.size, _BICUBIC)


@pytest.fixture(scope="module")
def small_truth(truth):
    return truth.crop((0, 0, 160, 120))


def _enlarged(picture, kernel=_BICUBIC):
    return picture.resize((picture.width * 4, picture.height * 4), kernel)


def _psnr(picture, truth):
    return psnr_y(*(np.asarray(one, np.float64).transpose(2, 0, 1) / 255 for one in (picture, truth)), crop=4)


def test_a_base_that_adds_nothing_costs_nothing(upscaler, truth, low_res):
    """Bicubic as base is never below the model without one."""
    encoded = upscaler.encode_references([truth.crop((100, 60, 320, 240))])
    for references in (None, encoded):
        without, based = (
            _psnr(upscaler.upscale(low_res, references, base=base).image, truth) for base in (None, _enlarged(low_res))
        )
        assert based >= without - 0.01


def test_a_good_base_passes_where_nothing_is_known_better(upscaler, truth, low_res, good):
    result = upscaler.upscale(low_res, base=good)
    assert _psnr(result.image, truth) >= _psnr(good, truth) - 0.01
    assert _psnr(result.image, good) > 45
    assert (result.base, result.provenance) == ("<PIL image>", None)


def test_references_are_added_to_a_base(upscaler, truth, low_res, good):
    encoded = upscaler.encode_references([truth])
    result = upscaler.upscale(low_res, encoded, base=good)
    assert _psnr(result.image, truth) > _psnr(good, truth) + 0.3
    assert result.provenance is not None
    assert result.provenance.share.mean() > 0.2


def test_tiles_do_not_show_in_what_has_a_base(upscaler, truth, low_res, good):
    encoded = upscaler.encode_references([truth])
    whole, tiled = (upscaler.upscale(low_res, encoded, base=good, tile=tile).array.astype(int) for tile in ("auto", 32))
    assert np.abs(whole - tiled).max() <= 2


def test_what_a_base_lacks_comes_from_the_model():
    low_res = torch.rand(1, 3, 9, 7)
    plain, made = enlarge(low_res, 4), torch.rand(1, 3, 36, 28)
    assert torch.equal(blend_with_base(low_res, plain, made, low_res[:, :0]), plain + (made - plain))
    assert torch.equal(blend_with_base(low_res, made, made + 0.01, low_res[:, :0]), made)
    followed = blend_with_base(low_res, made, made + 0.01, torch.full((1, 2, 9, 7), 0.2))
    torch.testing.assert_close(followed, made + 0.01)


@pytest.mark.parametrize("size", [(159, 120), (120, 160), (40, 30), (320, 240)])
def test_a_base_of_another_size_is_refused_with_the_right_one(upscaler, small_truth, size):
    small = small_truth.resize((40, 30), _BICUBIC)
    with pytest.raises(InputError, match=r"has 40 x 30, so its base must have 160 x 120\. Enlarge .* exactly 4 times"):
        upscaler.upscale(small, base=Image.new("RGB", size))


def test_a_model_without_a_base_path_names_those_that_have_one(low_res):
    with pytest.raises(
        ModelError, match=r"Model lite-gan does not support a base\. Give a model that does \(.*lite-rec"
    ):
        Upscaler.from_pretrained("lite-gan", device="cpu").upscale(low_res, base=_enlarged(low_res))


def test_depth_alpha_grey_and_orientation_are_those_of_inputs(upscaler, small_truth, tmp_path):
    small = small_truth.resize((40, 30), _BICUBIC)
    plain = upscaler.upscale(small, base=_enlarged(small)).array.astype(int)
    deep = np.asarray(_enlarged(small)).astype(np.uint16) * 257
    assert np.abs(upscaler.upscale(small, base=deep).array.astype(int) - plain).max() <= 1
    faded = np.dstack([np.asarray(_enlarged(small)), np.full((120, 160), 9, np.uint8)])
    assert np.array_equal(upscaler.upscale(small, base=faded).array, plain)
    turned = _enlarged(small).transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned clockwise
    turned.save(tmp_path / "turned.png", exif=exif)
    assert np.array_equal(upscaler.upscale(small, base=tmp_path / "turned.png").array, plain)
    grey = upscaler.upscale(small.convert("L"), base=_enlarged(small.convert("L")))
    assert grey.array.shape == (120, 160, 1)
    with pytest.raises(InputError, match=r"is grey and .* is in colour"):
        upscaler.upscale(small, base=_enlarged(small.convert("L")))


def test_a_base_is_converted_to_the_colours_of_the_picture(upscaler, small_truth):
    """A linear profile of the base means darker samples for the same colours."""
    small, rgb = small_truth.resize((40, 30), _BICUBIC), np.asarray(small_truth) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    metadata = Metadata(icc=_linear_srgb())
    base = Picture(np.rint(linear * 255).astype(np.uint8), metadata=metadata)
    assert _psnr(upscaler.upscale(small, base=base).image, small_truth) > 45
    assert _psnr(upscaler.upscale(small, base=replace(base, metadata=Metadata())).image, small_truth) < 30
    deep = replace(base, color=base.color.astype(np.uint16) * 257)
    with pytest.raises(InputError, match="different colour profiles, and 16 bits cannot be converted"):
        upscaler.upscale(small, base=deep)


def _linear_srgb() -> bytes:
    """Pillow's sRGB profile, its curves replaced by a straight line."""
    icc = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for number in range(int.from_bytes(icc[128:132])):
        name, place = icc[132 + 12 * number :][:4], int.from_bytes(icc[136 + 12 * number :][:4])
        if name in (b"rTRC", b"gTRC", b"bTRC"):
            icc[place : place + 16] = b"para" + bytes(8) + (1 << 16).to_bytes(4)  # a power of one
    return bytes(icc)


def test_floats_of_a_range_have_bases_of_the_same_range(upscaler, small_truth):
    small = np.asarray(small_truth.resize((40, 30), _BICUBIC), np.float32)
    large = np.asarray(small_truth, np.float32)
    want = upscaler.upscale(small / 255, base=large / 255).as_input() * 200 - 100
    got = upscaler.upscale(small / 255 * 200 - 100, base=large / 255 * 200 - 100, value_range=(-100, 100)).as_input()
    np.testing.assert_allclose(got, want, atol=0.1)


def test_the_self_ensemble_turns_the_base(upscaler, small_truth):
    small = small_truth.resize((40, 30), _BICUBIC)
    result = self_ensemble(upscaler, small, base=small_truth)
    assert _psnr(result.image, small_truth) > _psnr(upscaler.upscale(small).image, small_truth) + 3


@pytest.mark.parametrize("references", [0, 2])
def test_peak_with_a_base_stays_within_its_prediction(upscaler, references):
    noise = np.random.default_rng(0)
    small, large = noise.integers(0, 256, (300, 400, 3), np.uint8), noise.integers(0, 256, (1200, 1600, 3), np.uint8)
    encoded = upscaler.encode_references([large[:200, :300]] * references) if references else None
    upscaler.upscale(small[:64, :64], encoded, base=large[:256, :256])  # what is loaded once
    within = Upscaler(upscaler.model, device="cpu", memory=resident_bytes() + 400_000_000, align="off")
    result = within.upscale(small, encoded, base=large)
    assert result.peak_bytes <= result.predicted_bytes <= within.memory


def test_consistency_holds_with_a_base(upscaler, small_truth):
    small = small_truth.resize((40, 30), _BICUBIC)
    result = upscaler.upscale(small, base=Picture(np.asarray(small_truth)[::-1].copy()), consistent=True)
    assert result.consistency.largest <= 1 or result.fallbacks
