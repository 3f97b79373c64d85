import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from srntt.errors import InputError
from srntt.features import reduce
from srntt.train._pairs import PairRange, make_pairs
from srntt.train._photographs import Photographs
from srntt.train._warp import Warp, WarpRange

_PLAIN = PairRange(target=128, reference=192, unrelated=0.0, far=0.0, soft=0.0, counts=(0.0, 1.0))


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """Smooth, unmistakable pictures: sums of waves in random directions."""
    folder = tmp_path_factory.mktemp("photographs")
    random = np.random.default_rng(5)
    y, x = np.mgrid[:300, :340] / 16
    for number in range(2):
        waves = [np.sin(random.normal(0, 1) * y + random.normal(0, 1) * x + random.uniform(0, 6)) for _ in range(12)]
        colours = np.stack([sum(waves[i::3]) for i in range(3)], -1)
        Image.fromarray(((np.tanh(colours / 2) + 1) * 127).astype(np.uint8)).save(folder / f"{number}.png")
    return Photographs([folder], 104, torch.device("cpu"))


@pytest.mark.parametrize("seed", range(4))
def test_a_warp_is_undone_by_its_inverse(seed):
    warp = Warp(192, np.array([80.0, 70.0]), WarpRange(), np.random.default_rng(seed))
    inside = torch.rand(500, 2) * 192
    error = (warp.inverse(warp(inside)) - inside).abs().amax(1)
    assert error.quantile(0.98) < 0.05  # pixels; matching is asked to find a fraction of 4
    assert (warp(inside) - inside).abs().amax() > 5


def test_the_truth_leads_from_each_low_res_pixel_to_the_same_thing_in_the_reference(photographs):
    """Sampled at the truth, the reference's LR picture is the target's, but for exposure; elsewhere not."""
    pairs = make_pairs(photographs, 6, _PLAIN, np.random.default_rng(1))
    small = reduce(pairs.references.flatten(0, 1), 4)
    grid = ((pairs.truth.flatten(0, 1) + 0.5) / small.shape[-1] * 2 - 1).flip(-1)
    seen = F.grid_sample(small, grid, mode="bicubic", align_corners=False)
    low_res = pairs.low_res.repeat_interleave(2, 0)
    for sample, inside in enumerate(pairs.visible.flatten(0, 1)):
        assert inside.float().mean() > 0.1
        found, beside = (
            np.median([_correlation(low_res[sample, c][inside], view[sample, c][inside]) for c in range(3)])
            for view in (seen, seen.roll((2, 2), (2, 3)))
        )
        assert found > 0.97 > beside


def _correlation(a, b):
    return float(torch.corrcoef(torch.stack([a, b]))[0, 1])


def test_an_unrelated_reference_shows_nothing(photographs):
    limits = PairRange(target=64, reference=96, unrelated=1.0, soft=1.0, counts=(0.0, 1.0))
    pairs = make_pairs(photographs, 3, limits, np.random.default_rng(2))
    assert not pairs.visible.any()
    assert pairs.references.shape == (3, 2, 3, 96, 96)
    assert 0 <= pairs.references.min() <= pairs.references.max() <= 1


def test_pairs_are_those_of_their_seed(photographs):
    one, two, other = (make_pairs(photographs, 2, PairRange(64, 96), np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))
    assert not torch.equal(one.high_res, other.high_res)


def test_low_res_is_what_an_eight_bit_file_would_hold(photographs):
    low_res = make_pairs(photographs, 1, _PLAIN, np.random.default_rng(0)).low_res * 255
    torch.testing.assert_close(low_res, low_res.round(), atol=1e-4, rtol=0)


def test_a_folder_without_a_large_enough_photograph_is_refused(tmp_path):
    Image.new("RGB", (50, 200)).save(tmp_path / "small.png")
    with pytest.raises(InputError, match="at least 64 x 64"):
        Photographs([tmp_path], 64, torch.device("cpu"))
