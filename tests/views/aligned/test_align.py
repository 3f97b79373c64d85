"""Placements: known homographies recovered, nothing found where there is nothing, any picture survived."""

import re

import cv2
import numpy as np
import pytest
import torch
from views.aligned.scenes import LOW, low_res_to_scene, reference_to_scene, scene, seen, unit

from srntt.views.aligned import AlignedView, align, find_features
from srntt.views.aligned._homography import transform


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    return scene()


def placed(picture: np.ndarray, size: tuple[int, int], zoom: float, turn: float, tilt: float):
    """Low-res picture, reference, and the homography between them; at zoom 1 an LR pixel is 4 of the reference."""
    step = 2 / zoom
    to_scene = reference_to_scene(size, step, turn, tilt)
    low_res = seen(picture, low_res_to_scene(), LOW, 8)
    reference = seen(picture, to_scene, size, max(1, round(step * 2)))
    return low_res, reference, np.linalg.inv(to_scene) @ low_res_to_scene()


def errors(placement, truth: np.ndarray) -> np.ndarray:
    """Distances in LR pixels, where the placement holds."""
    y, x = np.indices(LOW, np.float64)
    found = placement.locate(x, y)
    over, down, _ = transform(np.linalg.inv(truth), found.x, found.y)
    return np.hypot(over - x, down - y)[found.valid]


@pytest.mark.parametrize(
    ("zoom", "turn", "tilt", "size"),
    [
        (1, 0, 0, (384, 512)),
        (1, 37, 0, (384, 512)),
        (1, 90, 0, (384, 512)),
        (1, 180, 0, (384, 512)),
        (1, -75, 30, (384, 512)),
        (1, 10, 50, (384, 512)),
        (0.5, 20, 0, (384, 512)),
        (0.25, 0, 0, (384, 512)),
        (2, 0, 0, (384, 512)),
        (2, 140, 20, (384, 512)),
        (4, 15, 0, (960, 1280)),
        (8, 0, 0, (1600, 1600)),
        (8, 100, 0, (1600, 1600)),
    ],
)
def test_homographies_are_recovered(picture: np.ndarray, zoom: float, turn: float, tilt: float, size: tuple[int, int]):
    low_res, reference, truth = placed(picture, size, zoom, turn, tilt)
    placement = align(unit(low_res), find_features(reference))
    assert placement is not None
    assert np.quantile(errors(placement, truth), 0.9) < 0.25
    assert abs(placement.scale / (4 * zoom) - 1) < (0.35 if tilt else 0.05)
    difference = placement.turn + turn
    assert abs((difference + 180) % 360 - 180) < (12 if tilt else 1.5)


def test_an_eighth_is_placed(picture: np.ndarray):
    """The whole scene in so few pixels that the small picture is larger: place it, to a pixel."""
    to_scene = reference_to_scene((300, 300), 8.0 * 2, 0, 0)
    small = np.array([[8.0, 0, 560], [0, 8, 560], [0, 0, 1]])
    low_res, reference = seen(picture, small, (160, 160), 8), seen(picture, to_scene, (300, 300), 16)
    placement = align(unit(low_res), find_features(reference))
    assert placement is not None
    assert placement.scale == pytest.approx(0.5, rel=0.05)


def test_exposure_does_not_matter(picture: np.ndarray):
    low_res, reference, truth = placed(picture, (384, 512), 1, 20, 0)
    dark = np.rint(255 * (reference / 255.0) ** 1.8 * 0.3).astype(np.uint8)
    placement = align(unit(low_res), find_features(dark))
    assert placement is not None
    assert np.quantile(errors(placement, truth), 0.9) < 0.25


def test_two_planes_are_distinguished(picture: np.ndarray):
    """Two halves of the reference, moved against each other by more than flow bridges."""
    low_res, reference, truth = placed(picture, (384, 512), 1, 0, 0)
    moved = reference.copy()
    moved[:, 256:-40] = reference[:, 296:]
    placement = align(unit(low_res), find_features(moved))
    assert placement is not None
    y, x = np.indices(LOW, np.float64)
    found = placement.locate(x, y)
    over, _, _ = transform(truth, x, y)
    shift = (found.x - over)[found.valid]
    left = x[found.valid] < 60
    assert np.median(shift[left]) == pytest.approx(0, abs=1)
    assert np.median(shift[~left & (x[found.valid] > 76)]) == pytest.approx(-40, abs=1)


@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_found_in_noise_or_another_scene(picture: np.ndarray, seed: int):
    random = np.random.default_rng(seed)
    noise = random.integers(0, 256, (300, 400, 3), np.uint8)
    low_res = seen(picture, low_res_to_scene(), LOW, 8)
    assert align(unit(low_res), find_features(noise)) is None
    assert align(unit(noise[:80, :100]), find_features(picture[:500, :600])) is None
    assert align(unit(low_res), find_features(scene(seed + 1, 600))) is None


def test_a_mirrored_reference_is_refused(picture: np.ndarray):
    low_res, reference, _ = placed(picture, (384, 512), 1, 0, 0)
    assert align(unit(low_res), find_features(np.ascontiguousarray(reference[:, ::-1]))) is None


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (3, 3), (7, 2000), (40, 40)])
@pytest.mark.parametrize("value", [0, 128, 255, None])
def test_hostile_pictures_pass_through(shape: tuple[int, int], value: int | None):
    made = scene(5, 300)[: shape[0], :1].repeat(shape[1], 1) if value is None else np.full((*shape, 3), value, np.uint8)
    low_res, reference = unit(made), scene(6, 200)
    assert align(low_res, find_features(reference)) is None
    assert align(unit(reference[:80, :80]), find_features(made)) is None


def test_depth_and_grey_do_not_matter(picture: np.ndarray):
    low_res, reference, truth = placed(picture, (384, 512), 1, 0, 0)
    gray = reference[:, :, 1:2]
    same = gray, gray.astype(np.uint16) * 257, (gray / 255).astype(np.float32), gray.repeat(3, 2)
    placements = [align(unit(low_res), find_features(pixels)) for pixels in same]
    for pixels, placement in zip(same, placements, strict=True):
        assert placement is not None
        assert np.quantile(errors(placement, truth), 0.75) < 0.25
        assert AlignedView(pixels, placement, 4).rgb().shape == (3, 4 * LOW[0], 4 * LOW[1])


def test_any_number_of_threads_gives_the_same_bytes(picture: np.ndarray):
    low_res, reference, _ = placed(picture, (384, 512), 1, 33, 20)
    made = []
    before = torch.get_num_threads(), cv2.getNumThreads()
    try:
        for threads in (1, 2, 4):
            torch.set_num_threads(threads)
            cv2.setNumThreads(threads)
            cv2.setRNGSeed(threads)
            placement = align(unit(low_res), find_features(reference))
            assert placement is not None
            assert cv2.getNumThreads() == threads
            made.append(AlignedView(reference, placement, 4).rgb())
    finally:
        torch.set_num_threads(before[0])
        cv2.setNumThreads(before[1])
    assert torch.equal(made[0], made[1])
    assert torch.equal(made[0], made[2])


def test_what_is_reported_of_a_placement(picture: np.ndarray):
    low_res, reference, _ = placed(picture, (384, 512), 2, 90, 0)
    placement = align(unit(low_res), find_features(reference))
    assert placement is not None
    message = placement.describe()
    assert message.startswith("same scene, 2.0x larger, turned 90 degrees anticlockwise, 1 plane; ")
    assert re.search(r"; covers \d+% of the picture$", message)


def test_a_turn_by_one_degree_is_singular(picture: np.ndarray):
    low_res, reference, _ = placed(picture, (384, 512), 2, 1, 0)
    placement = align(unit(low_res), find_features(reference))
    assert placement is not None
    assert "turned 1 degree anticlockwise" in placement.describe()
