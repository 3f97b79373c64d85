"""Kinds of views by name, and what a view says of itself."""

import numpy as np
import pytest
import torch

from srntt.errors import InputError
from srntt.image import Picture
from srntt.views import VIEWS, PlaneMap, View, view_makers


@pytest.mark.parametrize("name", VIEWS)
def test_makers_keep_to_the_sizes_they_announce(name: str):
    reference = Picture(np.zeros((37, 50, 3), np.uint8))
    views = list(VIEWS[name](reference))
    assert [view.size for view in views] == VIEWS[name].sizes((37, 50))
    assert [tuple(view.rows(0, view.size[0]).shape[1:]) for view in views] == [view.size for view in views]


def test_the_plain_view_is_the_reference():
    reference = Picture(np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8))
    (view,) = VIEWS["plain"](reference)
    assert torch.equal(view.rows(0, view.size[0]), reference.rgb())
    assert view.to_original == PlaneMap()
    assert view.valid_positions(4) is None


@pytest.mark.parametrize("views", ["plain", [], ["turned", "turned"], ["mirrored"]])
def test_refused_in_words(views):
    with pytest.raises(InputError, match="give a list of one or more of 'plain', 'turned', each once"):
        view_makers(views)


def test_a_position_is_valid_if_all_its_pixels_are():
    valid = torch.ones(9, 14, dtype=torch.bool)
    valid[3, 5] = valid[8, 0] = valid[0, 13] = False  # the last two fill no whole position
    view = View("a", (9, 14), lambda top, bottom: torch.zeros(3, bottom - top, 14), PlaneMap(), valid)
    positions = view.valid_positions(4)
    assert positions is not None
    assert positions.tolist() == [[True, False, True], [True, True, True]]
