"""The output, reduced, and the input: how far apart they are, and that they can be made one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from properties.scenes import BICUBIC, largest_difference, psnr, scene

from srntt.image import Picture
from srntt.memory import Appetite, Job, Needs, Work, peak_bytes, resident_bytes, start_peak
from srntt.upscale import Upscaler, _consistent
from srntt.upscale._consistent import back_project, consistency, consistency_bytes


def _reduced(array: np.ndarray) -> np.ndarray:
    """By Pillow itself, each channel by itself."""
    size = (array.shape[1] // 4, array.shape[0] // 4)
    planes = [Image.fromarray(array[:, :, c]).resize(size, BICUBIC) for c in range(array.shape[2])]
    return np.stack([np.asarray(plane) for plane in planes], 2)


@pytest.mark.parametrize("name", ["lite-rec", "lite-gan", pytest.param("lite-real", marks=pytest.mark.slow)])
@pytest.mark.parametrize("number", range(3))
def test_reduced_by_pillow_a_consistent_output_is_the_input(light: dict[str, Upscaler], name: str, number: int):
    upscaler, one = light[name], scene(number)
    for references in (None, upscaler.encode_references([one.good])):
        free, kept = (upscaler.upscale(one.low_res, references, consistent=c) for c in (False, True))
        assert largest_difference(_reduced(free.array), one.low_res) > 1 < free.consistency.largest
        assert largest_difference(_reduced(kept.array), one.low_res) <= 1
        assert kept.consistency.largest <= 1
        assert kept.consistency.missed == 0
        assert kept.fallbacks == ()
        assert psnr(kept.array, one.truth) > psnr(free.array, one.truth) - 0.01


@settings(max_examples=30, deadline=None)
@given(
    size=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    dtype=st.sampled_from([np.uint8, np.uint16]),
    channels=st.sampled_from([1, 3]),
    seed=st.integers(0, 2**32),
)
def test_away_from_black_and_white_any_input_is_met(size: tuple[int, int], dtype: type, channels: int, seed: int):
    """Whatever the output was before; noise of middle contrast is harder than any photograph."""
    random, top = np.random.default_rng(seed), np.iinfo(dtype).max
    low_res = random.integers(top // 3, top // 3 * 2, (*size, channels), dtype)
    output = random.integers(0, top, (4 * size[0], 4 * size[1], channels), dtype)
    source = Picture(low_res)
    back_project(source, output)
    assert consistency(source, output).largest <= (1 if dtype == np.uint8 else 2 / 257)  # of 255
    if dtype == np.uint8:
        assert largest_difference(_reduced(output), low_res) <= 1


@pytest.mark.parametrize(("channels", "dtype"), [(1, np.uint8), (2, np.uint8), (4, np.uint8), (4, np.uint16)])
def test_grey_alpha_and_sixteen_bits_are_kept_consistent(light: dict[str, Upscaler], channels: int, dtype: type):
    top = np.iinfo(dtype).max
    picture = np.random.default_rng(0).integers(top // 3, top // 3 * 2, (9, 11, channels), dtype)
    picture[0, 0, -1] = 0
    result = light["lite-rec"].upscale(picture, consistent=True)
    assert result.consistency.largest <= 1
    if channels in (2, 4):  # enlarged by bicubic, whatever becomes of the colours
        free = light["lite-rec"].upscale(picture)
        np.testing.assert_array_equal(result.array[:, :, -1], free.array[:, :, -1])


@pytest.mark.parametrize("kind", ["16 bits", "12 bits in 16", "floats", "floats in a range"])
def test_deep_inputs_are_met_in_their_own_depth(light: dict[str, Upscaler], kind: str):
    """Reduced by Pillow in single precision, without rounding."""
    counts = np.random.default_rng(3).integers(25_000, 35_000, (12, 17, 3)).astype(np.uint16)
    counts[:4, :4] = 50_000
    if kind.startswith("floats"):
        low, high = (0.0, 1.0) if kind == "floats" else (-100.0, 900.0)
        picture = (low + counts / 65_535 * (high - low)).astype(np.float32)
        step, known = (high - low) / 65_535, None if kind == "floats" else (low, high)
    else:
        picture, step, known = counts // (1 if kind == "16 bits" else 16), 1, None
    output = light["lite-rec"].upscale(picture, consistent=True, value_range=known).as_input()
    planes = [
        Image.fromarray(np.asarray(output)[..., c].astype(np.float32)).resize((17, 12), BICUBIC) for c in range(3)
    ]
    difference = np.abs(np.stack([np.asarray(plane) for plane in planes], 2) - picture.astype(np.float64))
    assert difference.max() <= 1.02 * step
    free = light["lite-rec"].upscale(picture, value_range=known)
    assert 257 * free.consistency.largest > 100


def test_what_no_picture_can_reach_is_reported(light: dict[str, Upscaler]):
    y, x = np.mgrid[:12, :12]
    checkerboard = ((x + y) % 2 * 255).astype(np.uint8)
    free, kept = (light["lite-rec"].upscale(checkerboard, consistent=c) for c in (False, True))
    assert free.fallbacks == ()
    assert 1 < kept.consistency.largest < free.consistency.largest
    assert kept.consistency.missed == 144
    assert kept.fallbacks[-1].startswith("consistent: 144 pixels of the input still differ by more than 1 of 255")


def test_edges_of_black_and_white_are_met_where_reducing_clips():
    """Text that was made smaller has overshoots that were clipped; a picture that reduces beyond black is as good."""
    large = (
        np.kron(np.random.default_rng(0).integers(0, 2, (6, 6)), np.ones((16, 16))).astype(np.uint8)[:, :, None] * 255
    )
    low_res = _reduced(large)
    assert {0, 255} <= set(low_res.flatten().tolist())
    output = np.array(Image.fromarray(low_res[:, :, 0]).resize((96, 96), BICUBIC))[:, :, None]
    source = Picture(low_res)
    before = consistency(source, output)
    back_project(source, output)
    after = consistency(source, output)
    assert before.largest > 10
    assert after.largest < 2


def test_bands_do_not_show(monkeypatch):
    random = np.random.default_rng(0)
    source = Picture(random.integers(0, 256, (37, 12, 3), dtype=np.uint8))
    whole = random.integers(0, 256, (148, 48, 3), dtype=np.uint8)
    banded = whole.copy()
    back_project(source, whole)
    measured = consistency(source, whole)
    monkeypatch.setattr(_consistent, "_AT_ONCE", 1)
    back_project(source, banded)
    np.testing.assert_array_equal(banded, whole)
    assert consistency(source, banded).as_json() == measured.as_json()


def test_a_picture_that_is_consistent_already_stays_as_it_is():
    low_res = np.full((5, 6, 3), 77, np.uint8)
    output = low_res.repeat(4, 0).repeat(4, 1)
    back_project(Picture(low_res), output)
    assert (output == 77).all()


@pytest.mark.parametrize("height", [1, 40, 300, 1000, 3000])
@pytest.mark.parametrize("width", [1, 40, 300, 1000, 3000])
@pytest.mark.parametrize(("channels", "sample"), [(1, 1), (3, 1), (4, 2)])
def test_back_projection_takes_no_more_memory_than_writing_the_file(
    height: int, width: int, channels: int, sample: int
):
    nothing = Appetite(Work(0), 0, 0, 1, lambda candidates: Work(0), 0)
    needs = Needs(Job(height, width, channels, sample), nothing, 24, 4, 1)
    assert consistency_bytes(height, width, channels, 4) <= 1.2 * needs.saving


@pytest.mark.slow
def test_back_projection_takes_no_more_memory_than_was_predicted():
    random = np.random.default_rng(0)
    low_res = random.integers(90, 160, (400, 600, 3), dtype=np.uint8)
    output = low_res.repeat(4, 0).repeat(4, 1)
    source = Picture(low_res)
    back_project(Picture(low_res[:8, :8].copy()), output[:32, :32].copy())  # whatever is loaded on first use
    before = resident_bytes()
    start_peak()
    back_project(source, output)
    assert peak_bytes() - before <= 1.1 * _consistent.consistency_bytes(400, 600, 3, 4)
