from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from srntt.errors import InputError
from srntt.image import reduce
from srntt.train.pairs._draws import Draws, generator
from srntt.train.pairs._pair_range import PairRange
from srntt.train.pairs._pairs import make_pairs
from srntt.train.pairs._photographs import Photographs, deepest_level
from srntt.train.pairs._smooth import smooth_pictures
from srntt.train.pairs._vary_references import VariationRange
from srntt.train.pairs._warp import Warp, WarpRange

_CPU = torch.device("cpu")
_AS_THEY_ARE = VariationRange(0.0, 0.0, 0.0, 0.0, blur=0.0, noise=0.0, jpeg=0.0)
_PLAIN = PairRange(128, 192, (0.0, 1.0), unrelated=0.0, elsewhere=0.0, far=0.0, variation=_AS_THEY_ARE)


@pytest.fixture(scope="module")
def photographs(photograph_folder):
    return Photographs([photograph_folder], 104, _CPU)


@pytest.mark.parametrize("seed", range(4))
def test_a_warp_is_undone_by_its_inverse(seed):
    centre = torch.tensor([[80.0, 70.0], [10.0, 5.0]])
    warp = Warp(192, centre, WarpRange(), torch.tensor([0.6, 0.6]), Draws([generator(seed, 0), generator(seed, 1)]))
    inside = torch.rand(1, 20, 25, 2, generator=torch.Generator().manual_seed(seed)) * 192
    error = (warp.inverse(warp(inside)) - inside).abs().amax(-1).flatten(1)
    assert error.quantile(0.98) < 0.05  # pixels; matching is asked to find a fraction of 4
    assert (warp(inside) - inside).abs().amax() > 5


@pytest.mark.parametrize("step", range(4))
def test_the_truth_leads_from_each_low_res_pixel_to_the_same_thing_in_the_reference(photographs, step):
    """Sampled at the truth, the reference's LR picture is the target's; elsewhere not. Through flips and transposes."""
    pairs = make_pairs(photographs, _PLAIN, 1, step, range(4))
    small = reduce(pairs.references.flatten(0, 1), 4)
    grid = ((pairs.truth.flatten(0, 1) + 0.5) / small.shape[-1] * 2 - 1).flip(-1)
    seen = F.grid_sample(small, grid, mode="bicubic", align_corners=False)
    low_res, visible = pairs.low_res.repeat_interleave(2, 0), pairs.visible.flatten(0, 1)
    assert visible.float().mean() > 0.5
    for sample, inside in enumerate(visible):
        found, sidecars = ((view[sample] - low_res[sample])[:, inside].abs().mean() for view in (seen, seen.roll(2, 2)))
        assert found < 0.25 * sidecars


def test_each_sample_is_the_same_whichever_others_are_made_with_it(photographs):
    whole = make_pairs(photographs, PairRange(64, 96), 3, 5, range(4))
    for part in (range(0, 2), range(2, 4)):
        for one, all_ in zip(make_pairs(photographs, PairRange(64, 96), 3, 5, part)[:5], whole[:5], strict=True):
            difference = one.float() - all_[part.start : part.stop].float()
            assert difference.abs().max() < 1.01 / 255
            assert difference.abs().mean() < 1e-5  # a pixel here and there is rounded the other way
    other = make_pairs(photographs, PairRange(64, 96), 3, 6, range(4))
    assert not torch.equal(whole.high_res, other.high_res)


def test_an_unrelated_reference_shows_nothing(photographs):
    pairs = make_pairs(photographs, replace(_PLAIN, unrelated=1.0), 2, 0, range(3))
    assert not pairs.visible.any()
    assert pairs.references.shape == (3, 2, 3, 192, 192)
    assert 0 <= pairs.references.min() <= pairs.references.max() <= 1


def test_references_from_elsewhere_show_less_of_the_target(photographs):
    here, elsewhere = (
        make_pairs(photographs, replace(_PLAIN, reference=64, target=48, elsewhere=share), 2, 0, range(16)).visible
        for share in (0.0, 1.0)
    )
    assert elsewhere.float().mean() < 0.6 * here.float().mean()


def test_a_batch_has_as_many_references_as_its_step_drew(photographs):
    limits = replace(_PLAIN, target=16, reference=16, counts=(0.5, 0.0, 0.5))
    counts = [make_pairs(photographs, limits, 0, step, range(1)).references.shape[1] for step in range(40)]
    assert set(counts) == {1, 3}
    assert 10 <= counts.count(1) <= 30


def test_low_res_is_what_an_eight_bit_file_would_hold(photographs):
    low_res = make_pairs(photographs, _PLAIN, 0, 0, range(1)).low_res * 255
    torch.testing.assert_close(low_res, low_res.round(), atol=1e-4, rtol=0)


def test_degraded_inputs_are_worse_and_the_rest_is_the_same(photographs):
    plain, real = (
        make_pairs(photographs, replace(_PLAIN, degradation=kind), 0, 0, range(2)) for kind in ("none", "real-esrgan")
    )
    assert torch.equal(plain.high_res, real.high_res)
    assert torch.equal(plain.references, real.references)
    assert (plain.low_res - real.low_res).abs().mean() > 0.005


def test_references_vary_when_they_may(photographs):
    plain, varied = (
        make_pairs(photographs, replace(_PLAIN, variation=limits), 0, 0, range(2))
        for limits in (_AS_THEY_ARE, VariationRange())
    )
    assert torch.equal(plain.truth, varied.truth)
    assert (plain.references - varied.references).abs().mean() > 0.005


def test_a_view_of_many_pixels_a_pixel_does_not_alias(tmp_path):
    """Stripes of one pixel, seen from four times as far, are grey."""
    stripes = np.zeros((256, 256, 3), np.uint8)
    stripes[:, ::2] = 255
    Image.fromarray(stripes).save(tmp_path / "stripes.png")
    stripy = Photographs([tmp_path], 64, _CPU)
    wide = replace(WarpRange(0.0, 0.0, 0.0, 0.0, 0.0, 0.0), shear=0.0)
    limits = PairRange(64, 64, (1.0,), 0.0, 0.0, 1.0, wide, _AS_THEY_ARE)
    for step in range(30):
        pairs = make_pairs(stripy, limits, 0, step, range(4))
        if (spread := pairs.references.std((1, 2, 3, 4))).min() < 0.1:
            break
    assert spread.min() < 0.1
    assert deepest_level(torch.tensor([0.5, 1.0, 1.5, 1.8, 4.0, 16.0])).tolist() == [0, 0, 0, 1, 2, 2]


def test_numbers_drawn_have_the_spread_that_was_asked_for():
    draws = Draws([generator(0, sample) for sample in range(4000)])
    normal, even, chance = draws.normal(2.0, 3), draws.uniform((-1.0, 3.0)), draws.chance(0.25)
    assert normal.std(0).sub(2).abs().max() < 0.15
    assert torch.corrcoef(normal.T).fill_diagonal_(0).abs().max() < 0.06
    assert even.min() >= -1
    assert abs(float(even.mean()) - 1) < 0.08
    assert abs(float(chance.float().mean()) - 0.25) < 0.03


def test_a_folder_without_a_large_enough_photograph_is_refused(tmp_path):
    Image.new("RGB", (50, 200)).save(tmp_path / "small.png")
    with pytest.raises(InputError, match="64 x 64 pixels or more"):
        Photographs([tmp_path], 64, _CPU)
    with pytest.raises(InputError, match="nowhere does not exist"):
        Photographs([tmp_path / "nowhere"], 64, _CPU)


def test_an_aligned_view_shows_the_target_in_place_where_its_map_is_exact(photographs):
    """The second half of the references are the first half's views in the frame of the target."""
    limits = replace(_PLAIN, target=96, reference=128, aligned=1.0, misaligned=0.0)
    pairs = make_pairs(photographs, limits, 1, 0, range(4))
    assert (pairs.references.shape[1], pairs.placed) == (4, 2)
    for view, visible in zip(pairs.references[:, 2:].unbind(1), pairs.visible[:, 2:].unbind(1), strict=True):
        seen = visible.repeat_interleave(4, 1).repeat_interleave(4, 2)[:, None]
        assert seen.float().mean() > 0.5
        off = (view[..., 16:-16, 16:-16] - pairs.high_res).abs() * seen
        sidecars = (view[..., 16:-16, 20:-12] - pairs.high_res).abs() * seen
        assert off.sum() < 0.3 * sidecars.sum()


@pytest.mark.parametrize("step", range(3))
def test_the_truth_of_a_misaligned_view_leads_to_the_same_thing(photographs, step):
    limits = replace(_PLAIN, aligned=1.0, misaligned=0.7)
    pairs = make_pairs(photographs, limits, 1, step, range(4))
    small = reduce(pairs.references[:, 2:].flatten(0, 1), 4)
    truth = pairs.truth[:, 2:].flatten(0, 1)
    here = torch.stack(torch.meshgrid(*[torch.arange(32.0) + 8] * 2, indexing="ij"), -1)
    assert (truth - here).abs().max() > 0.3
    found, identity = (
        F.grid_sample(small, ((place + 0.5) / 48 * 2 - 1).flip(-1), mode="bicubic", align_corners=False)
        for place in (truth, here.expand_as(truth))
    )
    low_res, visible = pairs.low_res.repeat_interleave(2, 0), pairs.visible[:, 2:].flatten(0, 1)[:, None]
    assert ((found - low_res).abs() * visible).sum() < 0.6 * ((identity - low_res).abs() * visible).sum()


def test_steps_show_aligned_views_as_often_as_asked_and_plain_ones_stay_the_same(photographs):
    limits = replace(_PLAIN, target=16, reference=16, counts=(1.0,))
    counts = [make_pairs(photographs, replace(limits, aligned=0.5), 0, step, range(1)) for step in range(40)]
    assert 8 < sum(pairs.references.shape[1] == 2 for pairs in counts) < 32
    plain = make_pairs(photographs, limits, 0, 3, range(2))
    both = make_pairs(photographs, replace(limits, aligned=1.0), 0, 3, range(2))
    assert torch.equal(both.references[:, :1], plain.references)
    with pytest.raises(InputError, match=r"Set pairs\.aligned=0"):
        replace(limits, target=32, aligned=1.0)


def test_some_targets_are_smooth_pictures_that_no_reference_shows(photographs):
    limits = replace(_PLAIN, target=64, reference=64)
    plain = make_pairs(photographs, limits, 0, 0, range(16))
    mixed = make_pairs(photographs, replace(limits, smooth=0.5), 0, 0, range(16))
    same = (plain.high_res == mixed.high_res).flatten(1).all(1)
    assert 3 < same.sum() < 13
    assert not mixed.visible[~same].any()
    assert torch.equal(mixed.visible[same], plain.visible[same])
    assert torch.equal(mixed.references, plain.references)
    assert ((reduce(mixed.high_res, 4) - mixed.low_res).abs() < 1 / 255).all()


def test_smooth_pictures_are_of_any_brightness_and_have_no_texture_but_the_noise_of_a_low_res():
    pictures = smooth_pictures(64, 4, [torch.Generator().manual_seed(seed) for seed in range(40)])
    assert pictures.min() >= 0
    assert pictures.max() <= 1
    means = pictures.mean((1, 2, 3))
    assert means.min() < 0.05
    assert means.max() > 0.6
    steps = (pictures[..., 1:] - pictures[..., :-1]).abs().amax((1, 2, 3)) * 255
    assert 10 < (steps > 1.5).sum() < 30
    assert steps.max() < 12
    clean = smooth_pictures(64, 4, [torch.Generator().manual_seed(seed) for seed in range(40)], noisy=False)
    assert ((clean[..., 1:] - clean[..., :-1]).abs() * 255).max() < 4
