"""The metrics against scikit-image, an independent oracle, and against figures worked out by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import rgb2ycbcr
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from srntt.errors import InputError
from srntt.evaluate import luma, psnr_rgb, psnr_y, round_to_bytes, ssim_y

SIZES = [(11, 11), (11, 40), (40, 11), (12, 37), (32, 32), (63, 95)]
TOLERANCES = {"psnr_rgb": 1e-9, "psnr_y": 1e-9, "ssim_y": 1e-11, "luma": 1e-11}


def pair_of(height: int, width: int, noise: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A smooth random picture and a noisy copy of it, float32 in [0, 1]."""
    rng = np.random.default_rng(seed)
    coarse = rng.random((3, height // 4 + 2, width // 4 + 2))
    target = np.kron(coarse, np.ones((1, 4, 4)))[:, :height, :width].astype(np.float32)
    output = np.clip(target + noise * rng.standard_normal(target.shape), 0, 1).astype(np.float32)
    return output, target


def oracle_luma(picture: np.ndarray) -> np.ndarray:
    return rgb2ycbcr(picture.astype(np.float64).transpose(1, 2, 0))[..., 0]


def oracle_ssim(output: np.ndarray, target: np.ndarray) -> float:
    return structural_similarity(
        oracle_luma(output),
        oracle_luma(target),
        data_range=255,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )


@pytest.mark.parametrize("noise", [0.004, 0.1, 0.5])
@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("crop", [0, 3])
def test_agrees_with_scikit_image(height: int, width: int, noise: float, crop: int) -> None:
    output, target = pair_of(height + 2 * crop, width + 2 * crop, noise)
    inside = (slice(None), slice(crop, crop + height), slice(crop, crop + width))
    shown, wanted = output[inside], target[inside]
    ours = {
        "psnr_rgb": psnr_rgb(output, target, crop=crop),
        "psnr_y": psnr_y(output, target, crop=crop),
        "ssim_y": ssim_y(output, target, crop=crop),
    }
    theirs = {
        "psnr_rgb": peak_signal_noise_ratio(wanted.astype(np.float64), shown.astype(np.float64), data_range=1),
        "psnr_y": peak_signal_noise_ratio(oracle_luma(wanted), oracle_luma(shown), data_range=255),
        "ssim_y": oracle_ssim(shown, wanted),
    }
    for name, value in ours.items():
        assert value == pytest.approx(theirs[name], abs=TOLERANCES[name]), name


def test_luma_agrees_with_scikit_image_and_spans_the_studio_range() -> None:
    _, picture = pair_of(20, 30, 0)
    assert np.abs(luma(picture) - oracle_luma(picture)).max() < TOLERANCES["luma"]
    assert luma(np.zeros((3, 1, 1)))[0, 0] == 16
    assert luma(np.ones((3, 1, 1)))[0, 0] == pytest.approx(235)


def test_psnr_of_a_known_difference() -> None:
    grey = np.full((3, 16, 16), 100 / 255)
    lighter = np.full((3, 16, 16), 110 / 255)
    assert psnr_rgb(lighter, grey) == pytest.approx(20 * np.log10(255 / 10))
    assert psnr_y(lighter, grey) == pytest.approx(20 * np.log10(255 / (10 * 219 / 255)))


def test_equal_pictures_score_infinity_and_one() -> None:
    _, picture = pair_of(16, 16, 0)
    assert psnr_y(picture, picture) == psnr_rgb(picture, picture) == float("inf")
    assert ssim_y(picture, picture) == pytest.approx(1, abs=1e-12)


def test_the_crop_hides_what_is_wrong_at_the_edge() -> None:
    output, target = pair_of(30, 30, 0)
    output = output.copy()
    output[:, :4] = output[:, -4:] = output[:, :, :4] = output[:, :, -4:] = 0.5
    assert psnr_y(output, target, crop=4) == float("inf")
    assert psnr_y(output, target, crop=3) < 60


@given(st.integers(0, 2**32 - 1), st.floats(0.001, 0.3))
@settings(max_examples=25, deadline=None)
def test_metrics_are_symmetric_and_fall_with_noise(seed: int, noise: float) -> None:
    output, target = pair_of(24, 24, noise, seed)
    assert ssim_y(output, target) == pytest.approx(ssim_y(target, output), abs=1e-12)
    assert psnr_y(output, target) == pytest.approx(psnr_y(target, output), abs=1e-9)
    worse, _ = pair_of(24, 24, 2 * noise, seed)
    assert psnr_y(worse, target) < psnr_y(output, target)


def test_rounding_is_that_of_an_8_bit_file() -> None:
    picture = np.array([-0.2, 0.0, 100.4 / 255, 100.6 / 255, 1.0, 1.7]).reshape(3, 1, 2)
    assert (round_to_bytes(picture) * 255).ravel().tolist() == pytest.approx([0, 0, 100, 101, 255, 255])


@pytest.mark.parametrize("metric", [psnr_y, psnr_rgb, ssim_y])
def test_says_what_is_wrong_with_the_sizes(metric) -> None:
    with pytest.raises(InputError, match=r"output is 20x16, the target 16x16.*one size"):
        metric(np.zeros((3, 16, 20)), np.zeros((3, 16, 16)))
    with pytest.raises(InputError, match=r"crop of 8 pixels leaves nothing of 16x16.*0 to 7"):
        metric(np.zeros((3, 16, 16)), np.zeros((3, 16, 16)), crop=8)
    with pytest.raises(InputError, match=r"crop of -1"):
        metric(np.zeros((3, 16, 16)), np.zeros((3, 16, 16)), crop=-1)


def test_ssim_says_how_much_it_needs() -> None:
    with pytest.raises(InputError, match=r"needs 11x11 pixels; 12x10 are left after cropping 2"):
        ssim_y(np.zeros((3, 14, 16)), np.zeros((3, 14, 16)), crop=2)
