"""Shots and sharpness."""

import cv2
import numpy as np
import pytest
from skimage.measure import blur_effect
from video.films import pictures

from srntt.image import Picture
from srntt.video._clip import Frame
from srntt.video._survey import Shot, Survey, sharpness_of, survey_of


def _survey(frames: list[np.ndarray]) -> Survey:
    return survey_of((Frame(n, Picture(pixels), 2 * n, 2) for n, pixels in enumerate(frames)), lambda seen: None)


def test_a_cut_is_found_and_a_pan_is_none():
    survey = _survey(pictures(30, cut=17))
    assert survey.shots == [Shot(0, 17), Shot(17, 30)]
    assert survey.times == [*range(0, 60, 2), 60]
    assert _survey(pictures(30)).shots == [Shot(0, 30)]


def test_a_flash_and_a_fade_are_no_cuts():
    frames = pictures(20)
    fading = [(pixels * (1 - n / 20)).astype(np.uint8) for n, pixels in enumerate(frames)]
    assert len(_survey(fading).shots) == 1


@pytest.mark.parametrize("sigma", [0.1, 1.0, 3.0])
def test_sharpness_is_that_of_scikit_image(sigma: float):
    gray = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (60, 80)).astype(np.float32), (0, 0), sigma)
    pixels = np.rint(gray).astype(np.uint8)
    expected = 1 - blur_effect(pixels / 255, h_size=11)
    assert sharpness_of(Picture(pixels[..., None])) == pytest.approx(expected, abs=0.01)


def test_the_sharpest_frames_are_spread():
    survey = Survey(list(range(11)), [Shot(0, 10)], [0.1, 0.2, 0.9, 0.8, 0.1, 0.3, 0.3, 0.4, 0.3, 0.3])
    assert survey.sharpest(Shot(0, 10), 2) == [2, 7]
    assert survey.sharpest(Shot(4, 5), 2) == [4]
