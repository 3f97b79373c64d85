"""Bands of a picture, colour under transparency, and pictures made from pictures."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from image.pictures import waves

from srntt.errors import InputError
from srntt.image import Picture, load, picture_like, to_pixels
from srntt.image._bleed import bleed


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_bands_are_rows_of_the_whole(dtype, channels):
    pixels = waves(20, 9, channels, dtype)
    pixels[5:12, 2:8, -1] = 0
    picture = load(pixels)
    whole = picture.rgb()
    assert whole.shape == (3, 20, 9)
    assert whole.dtype == torch.float32
    assert whole.is_contiguous()
    for top, bottom in ((0, 7), (7, 13), (13, None), (0, 1)):
        torch.testing.assert_close(picture.rgb(top, bottom), whole[:, top:bottom], rtol=0, atol=0)
        assert picture.alpha_plane(top, bottom).shape == (1, whole[:, top:bottom].shape[1], 9)


def test_a_band_is_the_readers_own():
    pixels = waves(4, 4, 1)
    picture = load(pixels)
    picture.rgb().zero_()
    np.testing.assert_array_equal(picture.color, pixels)


def test_every_level_comes_back():
    for dtype, bits in ((np.uint8, 8), (np.uint16, 16)):
        pixels = np.arange(2**bits, dtype=dtype).reshape(1, -1, 1)
        picture = load(pixels)
        np.testing.assert_array_equal(to_pixels(picture.rgb()[:1], bits=bits), pixels)


def test_alpha_plane():
    pixels = waves(6, 5, 4)
    np.testing.assert_array_equal(load(pixels).alpha_plane()[0].numpy(), pixels[:, :, 3].astype(np.float32) / 255)
    assert (load(pixels[:, :, :3]).alpha_plane(2) == 1).all()


def by_brute_force(color: np.ndarray, visible: np.ndarray) -> np.ndarray:
    places = np.argwhere(visible)
    filled = color.copy()
    for y, x in np.argwhere(~visible) if len(places) else ():
        squared = ((places - (y, x)) ** 2).sum(axis=1)
        nearest = places[squared == squared.min()]
        filled[y, x] = color[tuple(min(nearest.tolist(), key=lambda place: (place[1], abs(place[0] - y), place[0])))]
    return filled


@settings(deadline=None)  # the first call compiles
@given(
    hnp.arrays(
        bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=14), elements=st.sampled_from([False] * 5 + [True])
    )
)
def test_hidden_pixels_take_the_colour_of_the_nearest_visible(visible):
    color = np.arange(visible.size, dtype=np.uint16).reshape(*visible.shape, 1)
    np.testing.assert_array_equal(bleed(color, visible), by_brute_force(color, visible))


def test_no_fringe_appears_where_hidden_colour_is_garish():
    pixels = np.zeros((16, 16, 4), np.uint8)
    pixels[:, :, 1] = 255  # garish green where hidden
    pixels[4:12, 4:12] = (200, 10, 10, 255)
    rgb = load(pixels).rgb()
    assert torch.equal(rgb.amax((1, 2)), rgb.amin((1, 2)))  # one flat colour
    np.testing.assert_array_equal(load(pixels).color[0, 0], [0, 255, 0])  # what the file said is still there


def test_faint_pixels_keep_their_own_colour():
    pixels = waves(5, 5, 4)
    pixels[:, :, 3] = 1
    np.testing.assert_array_equal(to_pixels(load(pixels).rgb()), pixels[:, :, :3])


def test_a_picture_like_another_inherits_what_travels():
    source = load(waves(4, 5, 4, np.uint16))
    color, alpha = torch.rand(3, 16, 20), 0.5 + torch.rand(1, 16, 20) / 2
    large = picture_like(source, color, alpha, notes=("enlarged",))
    assert (large.height, large.width, large.bits, large.source) == (16, 20, 16, source.source)
    assert large.notes == (*source.notes, "enlarged")
    assert large.metadata is source.metadata
    assert (large.rgb() - color).abs().max() < 1e-5
    assert (large.alpha_plane() - alpha).abs().max() < 1e-5


def test_rgb_made_from_grey_becomes_grey():
    source = load(waves(4, 5, 1))
    assert picture_like(source, source.rgb()).is_gray
    np.testing.assert_array_equal(picture_like(source, source.rgb()).color, source.color)
    red = torch.zeros(3, 1, 1)
    red[0] = 1
    assert picture_like(source, red).color.item() == round(0.299 * 255)


def test_to_pixels_clips_rounds_and_refuses_nan():
    x = torch.tensor([-0.5, 0.4 / 255, 0.6 / 255, 1.5]).reshape(1, 1, 4)
    np.testing.assert_array_equal(to_pixels(x).ravel(), [0, 0, 1, 255])
    with pytest.raises(InputError, match="not finite"):
        to_pixels(torch.full((3, 2, 2), float("nan")))


@pytest.mark.parametrize(
    ("color", "alpha", "message"),
    [
        (np.zeros((2, 2, 4), np.uint8), None, r"\(2, 2, 4\)"),
        (np.zeros((0, 2, 3), np.uint8), None, "at least 1 x 1"),
        (np.zeros((2, 2, 3), np.float32), None, "float32"),
        (np.zeros((2, 4, 3), np.uint8)[:, ::2], None, "C-contiguous"),
        (np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2), np.uint16), "does not fit"),
    ],
)
def test_a_picture_is_consistent(color, alpha, message):
    with pytest.raises(InputError, match=message):
        Picture(color, alpha)


def test_samples_of_another_depth_are_refused():
    with pytest.raises(InputError, match="uint16 for a picture of uint8"):
        picture_like(load(waves(2, 2, 3)), waves(2, 2, 3, np.uint16))
