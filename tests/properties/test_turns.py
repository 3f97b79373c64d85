"""A picture that is flipped or turned together with its references."""

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from properties.scenes import psnr, scene, turned_back, turns

from srntt.errors import InputError
from srntt.upscale import Upscaler, self_ensemble

_KINDS = [(np.uint8, 1), (np.uint8, 3), (np.uint8, 4), (np.uint16, 2), (np.uint16, 3)]


@pytest.mark.parametrize("name", ["lite-rec", "lite-gan"])
@pytest.mark.parametrize(
    "number", [0, pytest.param(1, marks=pytest.mark.slow), pytest.param(2, marks=pytest.mark.slow)]
)
def test_a_turned_picture_is_as_good_and_their_mean_is_better(light: dict[str, Upscaler], name: str, number: int):
    upscaler, one = light[name], scene(number)
    outputs = [
        turned_back(upscaler.upscale(low_res, upscaler.encode_references([good])).array, turn)
        for turn, (low_res, good) in enumerate(zip(turns(one.low_res), turns(one.good), strict=True))
    ]
    scores = [psnr(output, one.truth) for output in outputs]
    assert max(scores) - min(scores) < 1.3  # up to 1.2: planes are found in another order
    assert max(np.abs(output.astype(float) - outputs[0]).mean() for output in outputs) < 6
    mean = self_ensemble(upscaler, one.low_res, [one.good])
    assert psnr(mean.array, one.truth) > np.mean(scores) + 0.2
    assert np.abs(mean.array - np.mean(outputs, 0)).max() <= 0.5


@pytest.mark.parametrize("name", ["lite-rec", pytest.param("lite-real", marks=pytest.mark.slow)])
@settings(max_examples=4, deadline=None, phases=[Phase.generate])  # eight upscales each: no shrinking
@given(
    size=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    kind=st.sampled_from(_KINDS),
    seed=st.integers(0, 2**32),
    turn=st.integers(1, 7),
)
def test_the_self_ensemble_turns_with_its_input_to_the_byte(
    light: dict[str, Upscaler], name: str, size: tuple[int, int], kind: tuple, seed: int, turn: int
):
    dtype, channels = kind
    random = np.random.default_rng(seed)
    picture = random.integers(0, np.iinfo(dtype).max, (*size, channels), dtype, endpoint=True)
    sharp = random.integers(0, 256, (20, 28, 3), dtype=np.uint8)
    straight, turned = (self_ensemble(light[name], turns(picture)[i], [turns(sharp)[i]]) for i in (0, turn))
    assert straight.array.dtype == dtype
    np.testing.assert_array_equal(turned_back(turned.array, turn), straight.array)


def test_the_self_ensemble_reports_what_an_upscale_tells(light: dict[str, Upscaler]):
    upscaler, one = light["lite-rec"], scene(0)
    low_res, good, stages = one.low_res[:10, :12], one.good[:40, :40], []
    result = self_ensemble(upscaler, low_res, [good], progress=lambda *step: stages.append(step))
    single = upscaler.upscale(low_res, upscaler.encode_references([good]))
    np.testing.assert_array_equal(result.similarity, single.similarity)
    np.testing.assert_array_equal(result.provenance.share, single.provenance.share)
    assert [done for stage, done, _ in stages if stage == "ensemble"] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert result.peak_bytes <= result.predicted_bytes
    assert result.as_input().shape == (40, 48, 3)
    assert self_ensemble(upscaler, low_res).provenance is None


def test_one_reference_without_a_list_is_refused(light: dict[str, Upscaler]):
    with pytest.raises(InputError, match=r"self_ensemble\(upscaler, picture, \[reference\]\)"):
        self_ensemble(light["lite-rec"], np.zeros((4, 4), np.uint8), np.zeros((8, 8), np.uint8))
