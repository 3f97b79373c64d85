"""``--model auto``: what is estimated, and what follows."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from srntt.image import load
from srntt.upscale import Degradation, choose_model

_TRUTH = Path(__file__).parent.parent.parent / "examples" / "motorcycle" / "truth.png"


@pytest.fixture(scope="module")
def small():
    truth = Image.open(_TRUTH).convert("RGB")
    return truth.resize((truth.width // 4, truth.height // 4), Image.Resampling.BICUBIC)


def _coded(picture, quality):
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return file.getvalue()


def _noisy(picture, sigma):
    noise = np.random.default_rng(0).normal(0, sigma, (picture.height, picture.width, 3))
    return Image.fromarray(np.clip(np.rint(np.asarray(picture) + noise), 0, 255).astype(np.uint8))


@pytest.mark.parametrize("quality", [10, 30, 50, 75, 90, 95, 100])
def test_the_quality_of_a_jpeg_is_that_of_its_tables(small, quality):
    assert Degradation.of(load(_coded(small, quality))).quality == pytest.approx(quality, abs=6)


def test_a_clean_picture_is_for_the_clean_model(small):
    choice = choose_model(load(small))
    assert choice.model == "lite-rec"
    assert choice.reason == "lite-rec: little noise, blur or compression"


@pytest.mark.parametrize(
    ("quality", "model"), [(30, "lite-real"), (55, "lite-real"), (80, "lite-rec"), (95, "lite-rec")]
)
def test_a_jpeg_goes_by_its_quality(small, quality, model):
    choice = choose_model(load(_coded(small, quality)))
    assert choice.model == model
    assert "JPEG of quality" in choice.reason


def test_blocks_are_seen_where_the_tables_are_gone(small):
    coded = np.asarray(Image.open(io.BytesIO(_coded(small, 15))))
    for rows, columns in ((0, 0), (3, 5)):  # wherever the grid begins
        choice = choose_model(load(np.ascontiguousarray(coded[rows:, columns:])))
        assert choice.model == "lite-real"
        assert "blocks of a JPEG" in choice.reason


@pytest.mark.parametrize("sigma", [6, 10, 20])
def test_noise_is_measured(small, sigma):
    found = Degradation.of(load(_noisy(small, sigma)))
    assert found.noise == pytest.approx(
        0.6 * sigma, rel=0.2
    )  # of the luma of three channels .67, and what texture adds
    choice = choose_model(load(_noisy(small, sigma)))
    assert choice.model == "lite-real"
    assert "noise of" in choice.reason


def test_blur_is_seen(small):
    sharpness = [Degradation.of(load(small.filter(ImageFilter.GaussianBlur(radius)))).sharpness for radius in (0, 1, 2)]
    assert sharpness == sorted(sharpness, reverse=True)
    choice = choose_model(load(small.filter(ImageFilter.GaussianBlur(1.5))))
    assert (choice.model, "blur" in choice.reason) == ("lite-real", True)


@pytest.mark.parametrize("size", [(1, 1), (2, 300), (8, 8), (9, 40), (33, 33)])
@pytest.mark.parametrize("value", [0, 128])
def test_flat_and_tiny_pictures_are_clean(size, value):
    assert choose_model(load(np.full((*size, 3), value, np.uint8))).model == "lite-rec"


def test_depth_and_grey_make_no_difference(small):
    wide = np.asarray(small).astype(np.uint16) * 257
    assert Degradation.of(load(wide)) == Degradation.of(load(small))
    assert choose_model(load(small.convert("L"))).model == "lite-rec"
