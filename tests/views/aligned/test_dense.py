"""Matches of descriptors: true ones found and held in both directions, nothing among unrelated ones."""

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from srntt.views.aligned import dense_matches
from srntt.views.aligned._dense import LEAST
from srntt.views.aligned._planes import find_planes


def field(height: int, width: int, seed: int = 0) -> torch.Tensor:
    """Smooth unit descriptors, like those of an encoder."""
    random = np.random.default_rng(seed)
    smooth = cv2.GaussianBlur(random.standard_normal((height, width, 32)).astype(np.float32), (0, 0), 1.5)
    return F.normalize(torch.from_numpy(np.moveaxis(smooth, 2, 0).copy()), dim=0)


def test_a_shifted_part_is_found():
    whole = field(80, 100)
    query, key = whole[:, 20:70, 30:90], whole
    mine, theirs = dense_matches(query, torch.ones(50, 60), key)
    assert len(mine) > 1000
    assert np.abs(theirs - mine - [30, 20]).max() == 0
    (plane,) = find_planes(mine, theirs, LEAST)
    assert np.abs(plane.matrix - [[1, 0, 30], [0, 1, 20], [0, 0, 1]]).max() < 0.05


@pytest.mark.parametrize("seed", range(3))
def test_unrelated_maps_have_no_plane(seed: int):
    mine, theirs = dense_matches(field(60, 80, seed), torch.ones(60, 80), field(70, 90, seed + 10))
    assert not list(find_planes(mine, theirs, LEAST))


def test_positions_of_high_contrast_are_looked_for():
    whole = field(40, 40)
    contrast = torch.zeros(40, 40)
    contrast[:, :20] = 1
    mine, _ = dense_matches(whole, contrast, whole)
    assert mine[:, 0].max() < 20


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (3, 3)])
def test_tiny_maps_pass_through(shape: tuple[int, int]):
    for one, other in ((field(*shape), field(20, 20)), (field(20, 20), field(*shape))):
        mine, theirs = dense_matches(one, torch.ones(one.shape[1:]), other)
        assert len(mine) == len(theirs)
    empty = torch.zeros(32, *shape)
    assert not list(find_planes(*dense_matches(empty, torch.ones(shape), empty), LEAST))


def test_any_number_of_threads_finds_the_same():
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found.append(dense_matches(field(60, 60), torch.ones(60, 60), field(90, 90)))
    finally:
        torch.set_num_threads(before)
    assert all(np.array_equal(one, other) for one, other in zip(*found, strict=True))
