"""Planes from matches."""

import numpy as np
from views.aligned.scenes import agreeing

from srntt.views.aligned._opencv import deterministic
from srntt.views.aligned._planes import find_planes


def test_a_few_points_at_many_sizes_do_not_outvote_a_plane():
    matches, turn, shift = agreeing(20, copies=12)
    once = matches.once_each()
    with deterministic():
        assert not list(find_planes(matches.mine, matches.theirs))
        planes = list(find_planes(once.mine, once.theirs))
    assert planes[0].support >= 18
    moved = planes[0].matrix @ [30.0, 40, 1]
    np.testing.assert_allclose(moved[:2] / moved[2], turn @ [30, 40] + shift, atol=1)
