"""Flat margins of a reference are found, filled, and counted before they are."""

import numpy as np
import pytest
from PIL import Image
from views.aligned.scenes import scene

from srntt.views.aligned import Original
from srntt.views.aligned._margins import at_shares, filled, find_margins


@pytest.fixture(scope="module")
def turned() -> np.ndarray:
    return np.asarray(Image.fromarray(scene(1, 160)).rotate(30, Image.Resampling.BICUBIC, expand=True))


def test_corners_of_a_turned_picture_are_margins(turned: np.ndarray):
    shown = find_margins(np.asarray(Image.fromarray(turned).convert("L")))
    height, width = shown.shape
    assert not any(shown[y, x] for y in (0, height - 1) for x in (0, width - 1))
    assert shown[height // 4 : -height // 4, width // 4 : -width // 4].all()
    assert shown.mean() == pytest.approx(160**2 / (height * width), abs=0.05)


@pytest.mark.parametrize("level", [0, 200])
def test_a_flat_picture_and_one_that_fills_its_frame_have_none(level: int):
    assert find_margins(np.full((20, 30), level, np.uint8)).all()
    assert find_margins(scene(2, 64)[..., 0]).all()


def test_a_sky_is_none():
    picture = scene(3, 80)[..., 0].copy()
    picture[:30] = 240
    assert find_margins(picture).all()


def test_margins_take_the_nearest_colour():
    picture, shown = scene(4, 40)[:30], np.ones((15, 20), bool)  # of half the size
    shown[:4], shown[:, :3] = False, False
    found = filled(picture, shown)
    assert np.array_equal(found[8:, 6:], picture[8:, 6:])
    assert np.array_equal(found[:8, 6:], np.broadcast_to(picture[8, 6:], (8, 34, 3)))
    assert np.array_equal(found[8:, :6], np.broadcast_to(picture[8:, 6:7], (22, 6, 3)))
    assert filled(picture, np.ones((15, 20), bool)) is picture


def test_filling_is_counted_until_it_is_done(turned: np.ndarray):
    original = Original(0, "", turned)
    assert original.filling_bytes > turned.nbytes
    assert original.filled.shape == turned.shape
    assert original.filling_bytes == 0
    assert Original(0, "", scene(5, 80)).filling_bytes == 0


def test_masks_are_read_at_shares():
    mask = np.array([[True, False], [False, True]])
    x, y = np.array([0.1, 0.6, 1.4, -0.2]), np.array([0.2, 0.2, 0.9, 0.9])
    assert at_shares(mask, x, y).tolist() == [True, False, True, False]
