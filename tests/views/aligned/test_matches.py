"""Matches of keypoints, some of them wrong, and some of them of the same point."""

import cv2
import numpy as np
import pytest
from views.aligned.scenes import agreeing, scene

from srntt.views.aligned._keypoints import Keypoints, detect
from srntt.views.aligned._matches import Matches, match_keypoints
from srntt.views.aligned._opencv import deterministic
from srntt.views.aligned._planes import find_planes


def test_a_point_that_is_matched_at_several_sizes_counts_once():
    matches, _, _ = agreeing(12, copies=6)
    kept = matches.once_each()
    assert 12 + 5 + 55 < len(kept.mine) < len(matches.mine) - 10
    pairs = {tuple(row) for row in np.concatenate(matches[:2], 1).tolist()}
    assert {tuple(row) for row in np.concatenate(kept[:2], 1).tolist()} < pairs
    for few in (0, 1):
        assert len(matches.chosen(slice(few)).once_each().mine) == few


@pytest.mark.parametrize("seed", range(5))
def test_a_plane_is_found_where_one_match_of_forty_is_right(seed: int):
    matches, turn, shift = agreeing(12, wrong=480, seed=seed)
    agreed = matches.agreed()
    assert len(agreed.mine) < 60
    with deterministic():
        assert not list(find_planes(matches.mine, matches.theirs))
        (plane,) = find_planes(agreed.mine, agreed.theirs)
    assert plane.support >= 11
    moved = plane.matrix @ [30.0, 40, 1]
    np.testing.assert_allclose(moved[:2] / moved[2], turn @ [30, 40] + shift, atol=1)


def test_wrong_matches_and_repetitions_do_not_agree():
    wrong, _, _ = agreeing(0, wrong=300)
    assert len(wrong.agreed().mine) < 6
    repeated, _, _ = agreeing(3, copies=30, wrong=0)
    assert len(repeated.agreed().mine) == 0
    assert len(wrong.chosen(slice(0)).agreed().mine) == 0


def test_more_matches_than_may_vote():
    matches, _, _ = agreeing(1500, wrong=1500)
    agreed = matches.agreed()
    assert 1400 < len(agreed.mine) < 1900


def test_keypoints_tell_by_how_much_a_picture_is_larger_and_turned():
    picture = scene(2, 400)[..., 1]
    large = np.ascontiguousarray(cv2.resize(picture, (600, 600), interpolation=cv2.INTER_CUBIC)[::-1].T)  # clockwise
    found = match_keypoints(detect(picture, picture.shape), [detect(large, large.shape)])
    assert len(found.mine) > 100
    change = np.median(np.abs(found.changes)) * np.exp(1j * np.median(np.angle(found.changes)))
    assert change == pytest.approx(1.5j, abs=0.05)
    loosely = match_keypoints(detect(picture, picture.shape), [detect(large, large.shape)], loosely=True)
    assert len(loosely.mine) > len(found.mine)
    assert all(len(each) == 0 for each in match_keypoints(Keypoints.none(), [detect(large, large.shape)]))
    assert isinstance(match_keypoints(Keypoints.none(), []), Matches)
