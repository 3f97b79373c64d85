"""Planes from matches, some of them wrong, and some of them of the same point."""

import numpy as np

from srntt.views.aligned._opencv import deterministic
from srntt.views.aligned._planes import find_planes, once_each

_TURN = np.array([[0.0, -4.2], [4.2, 0.0]])  # pixels of the reference for one of the small picture


def _matches(points: int, copies: int) -> tuple[np.ndarray, np.ndarray]:
    """Points that agree, and five that agree better because each was found at many sizes, among wrong ones."""
    random = np.random.default_rng(0)
    mine = random.uniform(0, 120, (points, 2))
    theirs = mine @ _TURN.T + [500, 10]
    few = random.uniform(0, 120, (5, 2)).repeat(copies, 0)
    corners = random.uniform(0, 500, (5, 2)).repeat(copies, 0)
    again = random.uniform(-0.1, 0.1, few.shape)
    wrong = random.uniform(0, 120, (60, 2)), random.uniform(0, 500, (60, 2))
    return (
        np.concatenate([mine, few + again, wrong[0]]).astype(np.float32),
        np.concatenate([theirs, corners + again, wrong[1]]).astype(np.float32),
    )


def test_a_point_that_is_matched_at_several_sizes_counts_once():
    mine, theirs = _matches(12, 6)
    kept, others = once_each(mine, theirs)
    assert 12 + 5 + 55 < len(kept) < len(mine) - 10
    pairs = {tuple(row) for row in np.concatenate([mine, theirs], 1).tolist()}
    assert {tuple(row) for row in np.concatenate([kept, others], 1).tolist()} < pairs
    assert all(len(each) == 0 for each in once_each(mine[:0], theirs[:0]))
    assert all(len(each) == 1 for each in once_each(mine[:1], theirs[:1]))


def test_a_few_points_at_many_sizes_do_not_outvote_a_plane():
    matches = _matches(20, 12)
    with deterministic():
        assert not list(find_planes(*matches))
        planes = list(find_planes(*once_each(*matches)))
    assert planes[0].support >= 18
    moved = planes[0].matrix @ [30.0, 40, 1]
    np.testing.assert_allclose(moved[:2] / moved[2], _TURN @ [30, 40] + [500, 10], atol=1)
