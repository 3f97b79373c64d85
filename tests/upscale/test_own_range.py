"""What is made of a picture does not depend on how its counts are scaled."""

import numpy as np
import pytest
from PIL import Image

from srntt.image import Picture
from srntt.upscale import Upscaler
from srntt.upscale._own_range import own_gain, stretched, unstretch


@pytest.fixture(scope="module")
def twelve(truth):
    """A part of the photograph in 12 bits, brightest 4095, and its LR picture."""
    wide = np.asarray(truth, np.float64)[:120, :160] / 255
    small = np.asarray(truth.crop((0, 0, 160, 120)).resize((40, 30), Image.Resampling.BICUBIC), np.float64) / 255
    return tuple(np.rint(one / one.max() * 4095).astype(np.uint16) for one in (wide, small))


@pytest.mark.parametrize("with_reference", [False, True])
def test_12_bits_in_16_give_what_their_scaled_copy_gives(upscaler, twelve, with_reference):
    sharp, small = twelve
    dark, bright = (
        upscaler.upscale(small * gain, upscaler.encode_references([sharp * gain]) if with_reference else None)
        for gain in (np.uint16(1), np.uint16(16))
    )
    assert np.abs(dark.array.astype(int) * 16 - bright.array).max() <= 8


def test_dark_floats_are_seen_in_their_own_range(upscaler, twelve):
    _, small = twelve
    dark = upscaler.upscale((small / 4095 / 50).astype(np.float32)).as_input() * 50
    bright = upscaler.upscale((small / 4095).astype(np.float32)).as_input()
    difference = np.abs(dark.clip(0, 1) - bright)  # the gain is 49, so that the network sees .98 of the brightness
    assert np.quantile(difference, 0.99) < 0.005
    assert difference.max() < 0.03


@pytest.mark.parametrize("name", ["lite-rec", "lite-real"])
@pytest.mark.parametrize("brightest", [200, 1_000, 4_095, 60_000])
def test_ramps_keep_their_mean(name, brightest):
    ramp = np.tile(np.linspace(0, brightest, 64), (48, 1)).round().astype(np.uint16)
    result = Upscaler.from_pretrained(name, device="cpu").upscale(ramp)
    assert result.array.mean() == pytest.approx(ramp.mean(), rel=0.005)


def test_a_base_is_seen_in_the_range_of_the_picture(upscaler, twelve):
    sharp, small = twelve
    dark, bright = (upscaler.upscale(small * gain, base=sharp * gain).array for gain in np.array([1, 16], np.uint16))
    assert np.abs(dark.astype(int) * 16 - bright).max() <= 8


def test_consistency_holds_in_the_own_range(upscaler, twelve):
    _, small = twelve
    dark, bright = (upscaler.upscale(small * gain, consistent=True) for gain in np.array([1, 16], np.uint16))
    assert dark.consistency.largest == pytest.approx(bright.consistency.largest, abs=0.005)


@pytest.mark.parametrize(("color", "gain"), [(65_535, 1), (32_768, 1), (32_767, 2), (4_095, 16), (1, 65_535), (0, 1)])
def test_the_gain_is_whole_and_brings_nothing_beyond_white(color, gain):
    picture = Picture(np.full((3, 2, 1), color, np.uint16))
    assert own_gain(picture) == gain
    there = stretched(picture).color.copy()
    unstretch(there, gain)
    assert np.array_equal(there, picture.color)


def test_8_bits_are_left_alone():
    dark = Picture(np.full((3, 2, 3), 9, np.uint8))
    assert stretched(dark) is dark
