import math
from dataclasses import replace

import torch
from torch import Tensor

from srntt.image import enlarge, reduce, round_to_8bit
from srntt.train.pairs._vary_references import VariationRange, vary_references

NOTHING = VariationRange(gain=0.0, channel_gain=0.0, shift=0.0, gamma=0.0, blur=0.0, noise=0.0, jpeg=0.0)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def streams(count: int, seed: int = 0) -> list[torch.Generator]:
    return [seeded(each) for each in torch.randint(2**62, (count,), generator=seeded(seed)).tolist()]


def references(count: int = 4, side: int = 48) -> Tensor:
    return torch.rand(count, 3, side, side, generator=seeded(9)) * 0.5 + 0.25


def test_with_everything_off_references_are_unchanged_and_not_the_same_memory():
    pictures = references()
    varied = vary_references(pictures, NOTHING, streams(4))
    torch.testing.assert_close(varied, pictures, rtol=0, atol=1e-6)
    assert varied.data_ptr() != pictures.data_ptr()


def test_pictures_given_are_not_written_to():
    pictures = references()
    before = pictures.clone()
    vary_references(pictures, replace(NOTHING, blur=1.0, noise=1.0, jpeg=1.0), streams(4))
    assert torch.equal(pictures, before)


def test_values_stay_in_range_and_seeds_decide():
    pictures = torch.rand(16, 3, 48, 48, generator=seeded(1))
    limits = VariationRange(blur=0.5, noise=0.5, jpeg=0.5)
    varied = vary_references(pictures, limits, streams(16))
    assert float(varied.min()) >= 0
    assert float(varied.max()) <= 1
    assert torch.equal(varied, vary_references(pictures, limits, streams(16)))
    assert not torch.equal(varied, vary_references(pictures, limits, streams(16, 1)))


def test_a_sample_is_the_same_in_any_batch():
    pictures = references(3)
    limits = VariationRange(blur=0.6, noise=0.6, jpeg=0.0)  # JPEG may make a level of a rounding error
    together = vary_references(pictures, limits, [seeded(i) for i in range(3)])
    for sample in range(3):
        alone = vary_references(pictures[sample : sample + 1], limits, [seeded(sample)])
        torch.testing.assert_close(together[sample : sample + 1], alone, rtol=0, atol=1e-5)


def test_a_reference_as_blurred_as_the_input_holds_no_more_than_the_input():
    pictures = references()
    bare = vary_references(pictures, replace(NOTHING, as_input=1.0), streams(4))
    torch.testing.assert_close(bare, enlarge(round_to_8bit(reduce(pictures, 4)), 4))
    some = vary_references(references(100, 16), replace(NOTHING, as_input=0.3), streams(100))
    changed = (some - references(100, 16)).abs().flatten(1).amax(1) > 1e-3
    assert 15 < changed.sum() < 50


def test_each_change_reaches_about_its_share_of_the_references():
    pictures = references(200, 16)
    for change in ("blur", "noise", "jpeg"):
        limits = replace(NOTHING, **{change: 0.3}, sigma=(1.0, 2.0), noise_sigma=(2.0, 4.0))
        changed = (vary_references(pictures, limits, streams(200)) - pictures).abs().amax((1, 2, 3)) > 1e-3
        assert abs(float(changed.float().mean()) - 0.3) < 4 * math.sqrt(0.3 * 0.7 / 200)


def test_exposure_is_one_curve_for_all_pixels_of_a_channel():
    pictures = references(8)
    limits = VariationRange(blur=0.0, noise=0.0, jpeg=0.0)
    varied = vary_references(pictures, limits, streams(8))
    assert float((varied - pictures).abs().mean()) > 0.01
    for before, after in zip(pictures.flatten(0, 1).flatten(1), varied.flatten(0, 1).flatten(1), strict=True):
        assert (after[before.argsort()].diff() >= 0).all()


def test_blur_is_gaussian_of_the_deviation_asked_for():
    pictures = torch.zeros(1, 3, 49, 49)
    pictures[:, :, 24, 24] = 1
    point = vary_references(pictures, replace(NOTHING, blur=1.0, sigma=(1.7, 1.7)), [seeded()])[0, 0].double()
    line = torch.arange(-24.0, 25.0).double()
    assert abs(float(point.sum()) - 1) < 1e-5
    for axis in (0, 1):
        assert abs(float((point.sum(axis) * line**2).sum()) - 1.7**2) < 0.05


def test_noise_has_its_deviation():
    flat = torch.full((4, 3, 64, 64), 0.5)
    varied = vary_references(flat, replace(NOTHING, noise=1.0, noise_sigma=(4.0, 4.0)), streams(4))
    torch.testing.assert_close(varied.std((1, 2, 3)), torch.full((4,), 4 / 255), rtol=0.05, atol=0)
