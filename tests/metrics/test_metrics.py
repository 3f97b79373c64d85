"""PSNR, SSIM and LR consistency: against scikit-image and torchmetrics, independent oracles, and figures worked out by
hand. The learned metrics are in test_learned_metrics.py."""

from pathlib import Path

import numpy as np
import pytest
import torch
from evaluate.pictures import PAIRS, bicubic, scene, write_pairs
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage.color import rgb2ycbcr, rgb2yuv
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from srntt.data import read_pairs
from srntt.errors import InputError
from srntt.evaluate import Evaluation, MetricInput, choose_metrics, mean_scores, score_pairs
from srntt.metrics import lr_psnr, luma, psnr_rgb, psnr_y, round_to_bytes, ssim_rgb, ssim_y
from srntt.metrics._pixels import LumaSpan
from srntt.report import compare_reports, write_report

SIZES = [(11, 11), (11, 40), (40, 11), (12, 37), (32, 32), (63, 95)]
TOLERANCES = {  # to scikit-image, and to torchmetrics, which takes the logarithm of a PSNR in float32
    "luma": (1e-11, None),
    "psnr_y": (1e-9, 1e-5),
    "psnr_y_full": (1e-9, 1e-5),
    "psnr_rgb": (1e-9, 1e-5),
    "ssim_y": (1e-11, 1e-9),
    "ssim_y_full": (1e-11, 1e-9),
    "ssim_rgb": (1e-11, 1e-9),
    "lr_psnr": (1e-9, None),
}


def pair_of(height: int, width: int, noise: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A smooth random picture and a noisy copy of it, float32 in [0, 1]."""
    rng = np.random.default_rng(seed)
    coarse = rng.random((3, height // 4 + 2, width // 4 + 2))
    target = np.kron(coarse, np.ones((1, 4, 4)))[:, :height, :width].astype(np.float32)
    output = np.clip(target + noise * rng.standard_normal(target.shape), 0, 1).astype(np.float32)
    return output, target


def oracle_luma(picture: np.ndarray, span: LumaSpan = "studio") -> np.ndarray:
    pixels = picture.astype(np.float64).transpose(1, 2, 0)
    return rgb2ycbcr(pixels)[..., 0] if span == "studio" else 255 * rgb2yuv(pixels)[..., 0]


def oracle_ssim(output: np.ndarray, target: np.ndarray, **options: int) -> float:
    settings = {"data_range": 255, "gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    return structural_similarity(output, target, **settings, **options)


def figures_of_scikit_image(output: np.ndarray, target: np.ndarray) -> dict[str, float]:
    output, target = output.astype(np.float64), target.astype(np.float64)
    by_span = {"": "studio", "_full": "full"}
    lumas = {suffix: (oracle_luma(target, span), oracle_luma(output, span)) for suffix, span in by_span.items()}
    psnr = {f"psnr_y{suffix}": peak_signal_noise_ratio(*pair, data_range=255) for suffix, pair in lumas.items()}
    ssim = {f"ssim_y{suffix}": oracle_ssim(*pair) for suffix, pair in lumas.items()}
    psnr["psnr_rgb"] = peak_signal_noise_ratio(target, output, data_range=1)
    ssim["ssim_rgb"] = oracle_ssim(255 * output, 255 * target, channel_axis=0)
    return psnr | ssim


def figures_of_torchmetrics(output: np.ndarray, target: np.ndarray) -> dict[str, float]:
    theirs = pytest.importorskip("torchmetrics.functional.image")

    def psnr(x: np.ndarray, y: np.ndarray) -> float:
        return theirs.peak_signal_noise_ratio(torch.from_numpy(x), torch.from_numpy(y), data_range=255.0).item()

    def ssim(x: np.ndarray, y: np.ndarray) -> float:
        x, y = (torch.from_numpy(z).reshape(1, -1, *z.shape[-2:]) for z in (x, y))
        options = {"sigma": 1.5, "kernel_size": 11, "data_range": 255.0, "return_full_image": True}
        _, whole = theirs.structural_similarity_index_measure(x, y, **options)
        return whole[..., 5:-5, 5:-5].mean().item()  # its own mean has positions where the window hangs over the edge

    output, target = 255 * output.astype(np.float64), 255 * target.astype(np.float64)
    lumas = [(oracle_luma(output / 255, span), oracle_luma(target / 255, span)) for span in ("studio", "full")]
    figures = {"psnr_rgb": psnr(output, target), "ssim_rgb": ssim(output, target)}
    for suffix, pair in zip(("", "_full"), lumas, strict=True):
        figures |= {f"psnr_y{suffix}": psnr(*pair), f"ssim_y{suffix}": ssim(*pair)}
    return figures


@pytest.mark.parametrize(("column", "oracle"), [(0, figures_of_scikit_image), (1, figures_of_torchmetrics)])
@pytest.mark.parametrize("noise", [0.004, 0.1, 0.5])
@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("crop", [0, 4])
def test_agrees_with_oracles(column: int, oracle, height: int, width: int, noise: float, crop: int) -> None:
    output, target = pair_of(height + 2 * crop, width + 2 * crop, noise)
    inside = (slice(None), slice(crop, crop + height), slice(crop, crop + width))
    theirs = oracle(output[inside], target[inside])
    ours = choose_metrics(list(theirs))(MetricInput(output, target, np.zeros((1, 1, 3), np.uint8), crop))
    for name, value in ours.items():
        assert value == pytest.approx(theirs[name], abs=TOLERANCES[name][column]), name


@pytest.mark.parametrize(("height", "width"), [(16, 16), (20, 44), (64, 36)])
def test_lr_consistency_agrees_with_pillow_and_scikit_image(height: int, width: int) -> None:
    output, target = pair_of(height, width, 0.1)
    bytes_of = [np.rint(255 * x.astype(np.float64)).astype(np.uint8).transpose(1, 2, 0) for x in (output, target)]
    reduced, low_res = (
        np.asarray(Image.fromarray(x).resize((width // 4, height // 4), Image.Resampling.BICUBIC)) for x in bytes_of
    )
    expected = peak_signal_noise_ratio(low_res, reduced)
    assert lr_psnr(output, low_res) == pytest.approx(expected, abs=TOLERANCES["lr_psnr"][0])
    assert lr_psnr(target, low_res) == float("inf")
    with pytest.raises(InputError, match=f"{width // 4}x{height // 4}, smaller than the {width}x{height} it was made"):
        lr_psnr(low_res.transpose(2, 0, 1) / 255, bytes_of[0])


def test_luma_agrees_with_scikit_image_and_spans_the_studio_range() -> None:
    _, picture = pair_of(20, 30, 0)
    assert np.abs(luma(picture) - oracle_luma(picture)).max() < TOLERANCES["luma"][0]
    assert luma(np.zeros((3, 1, 1)))[0, 0] == 16
    assert luma(np.ones((3, 1, 1)))[0, 0] == pytest.approx(235)


def test_full_luma_spans_all_and_costs_what_the_docstring_says() -> None:
    assert luma(np.zeros((3, 1, 1)), span="full")[0, 0] == 0
    assert luma(np.ones((3, 1, 1)), span="full")[0, 0] == pytest.approx(255)
    output, target = pair_of(40, 40, 0.1)
    difference = psnr_y(output, target) - psnr_y(output, target, span="full")
    assert difference == pytest.approx(20 * np.log10(255 / 219), abs=1e-9)


def test_the_constants_of_edsr_and_ttsr_are_those_of_matlab() -> None:
    """65.738, 129.057, 25.064 over 256, for samples of 0 to 255: what TTSR's calc_psnr has."""
    output, target = pair_of(40, 40, 0.1)
    theirs = np.tensordot(np.array([65.738, 129.057, 25.064]) / 256, 255.0 * (output - target), axes=1)
    assert psnr_y(output, target) == pytest.approx(10 * np.log10(255**2 / (theirs**2).mean()), abs=1e-4)


def test_the_mean_is_none_where_a_picture_was_left_out() -> None:
    scores = [{"psnr_y": 30.0, "lpips": 0.1}, {"psnr_y": 33.0, "lpips": None}]
    assert mean_scores(scores) == {"psnr_y": 31.5, "lpips": None}
    assert mean_scores([{"psnr_y": float("inf")}, {"psnr_y": 30.0}]) == {"psnr_y": float("inf")}


def test_metrics_that_there_are_not() -> None:
    with pytest.raises(InputError, match=r"Unknown metric 'psnr', 'fid'. Available: psnr_y, ssim_y, lpips, lr_psnr"):
        choose_metrics(["psnr", "psnr_y", "fid"])
    with pytest.raises(InputError, match=r"No metric given. Available: psnr_y"):
        choose_metrics([])


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


@pytest.mark.parametrize("metric", [psnr_y, psnr_rgb, ssim_y, ssim_rgb])
def test_says_what_is_wrong_with_the_sizes(metric) -> None:
    with pytest.raises(InputError, match=r"output is 20x16, the target 16x16.*same size"):
        metric(np.zeros((3, 16, 20)), np.zeros((3, 16, 16)))
    with pytest.raises(InputError, match=r"crop of 8 pixels leaves nothing of 16x16.*0 to 7"):
        metric(np.zeros((3, 16, 16)), np.zeros((3, 16, 16)), crop=8)
    with pytest.raises(InputError, match=r"crop of -1"):
        metric(np.zeros((3, 16, 16)), np.zeros((3, 16, 16)), crop=-1)


@pytest.mark.parametrize("metric", [ssim_y, ssim_rgb])
def test_ssim_says_how_much_it_needs(metric) -> None:
    with pytest.raises(InputError, match=r"needs 11x11 pixels; 12x10 are left after cropping 2"):
        metric(np.zeros((3, 14, 16)), np.zeros((3, 14, 16)), crop=2)


def test_a_crop_of_its_own_in_one_run(tmp_path: Path) -> None:
    """What the protocol crops (4 pixels) and what is asked for stand beside each other."""
    names = ["psnr_y", "psnr_y@0", "psnr_y@4", "ssim_rgb@11"]
    pairs = read_pairs(write_pairs(tmp_path / "data"))
    scores = score_pairs(bicubic, pairs, "none", PAIRS, metrics=choose_metrics(names))
    values = scores[0].values
    assert list(values) == names
    target = scene(50, 61, 0)[:48, :60]
    output = bicubic(np.asarray(Image.fromarray(target).resize((15, 12), Image.Resampling.BICUBIC)), []).picture
    wanted = target.transpose(2, 0, 1) / 255
    assert values["psnr_y"] == values["psnr_y@4"] == pytest.approx(psnr_y(output, wanted, crop=4))
    assert values["psnr_y@0"] == pytest.approx(psnr_y(output, wanted, crop=0))
    assert values["ssim_rgb@11"] == pytest.approx(ssim_rgb(output, wanted, crop=11))
    write_report([Evaluation("pairs", "bicubic", "none", scores)], tmp_path / "out")
    assert "| PSNR-Y | PSNR-Y, crop 0 | PSNR-Y, crop 4 |" in (tmp_path / "out" / "report.md").read_text()
    path = tmp_path / "out" / "report.json"
    assert [item.metric for item in compare_reports(path, path)] == names


@pytest.mark.parametrize("name", ["psnr_y@", "psnr_y@-1", "psnr_y@01", "psnr_y@1000", "lpips@0", "lr_psnr@0", "x@0"])
def test_a_crop_that_means_nothing_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=r"Unknown metric .*psnr_y@0"):
        choose_metrics([name])
