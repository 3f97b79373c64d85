"""Turned and scaled views: the same pixels as the slow twin, and every one of them traceable to the reference."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.views import original_point, turned_picture

from srntt.errors import InputError
from srntt.image import Picture
from srntt.views import TurnedViews, _turned

_KINDS = [(scale, turns) for scale in (1.0, 0.5, 0.3, 1.7) for turns in range(4)]


def noise(height: int, width: int, kind: type = np.uint8, alpha: bool = False) -> Picture:
    random = np.random.default_rng(height * 1000 + width)
    top = np.iinfo(kind).max
    color = random.integers(0, top, (height, width, 3), dtype=kind, endpoint=True)
    return Picture(color, random.integers(0, 2, (height, width)).astype(kind) * top if alpha else None)


@given(height=st.integers(4, 40), width=st.integers(4, 40), kind=st.sampled_from([np.uint8, np.uint16]))
@settings(max_examples=20, deadline=None)
def test_pictures_are_those_of_the_slow_twin(height: int, width: int, kind: type):
    reference = noise(height, width, kind, alpha=True)
    views = list(TurnedViews(_KINDS)(reference))
    assert [view.size for view in views] == TurnedViews(_KINDS).sizes((height, width))
    for view, (scale, turns) in zip(views, _KINDS, strict=True):
        expected = turned_picture(reference.rgb(), scale, turns)
        assert view.size == expected.shape[1:]
        assert torch.equal(view.rows(0, view.size[0]), expected)
        middle = slice(view.size[0] // 3, view.size[0] // 2 + 1)
        assert torch.equal(view.rows(middle.start, middle.stop), expected[:, middle])


@pytest.mark.parametrize(("height", "width"), [(71, 130), (64, 99)])
def test_bands_of_a_resize_do_not_show(height: int, width: int, monkeypatch):
    monkeypatch.setattr(_turned, "_AT_ONCE", 8)
    reference = noise(height, width)
    for scale in (0.5, 0.37, 2.2):
        (view,) = TurnedViews([(scale, 1)])(reference)
        assert torch.equal(view.rows(0, view.size[0]), turned_picture(reference.rgb(), scale, 1))


@given(
    size=st.tuples(st.integers(4, 9000), st.integers(4, 9000)),
    kind=st.sampled_from(_KINDS),
    place=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
@settings(max_examples=200, deadline=None)
def test_points_lead_back_to_a_ten_thousandth_of_a_pixel(size, kind, place):
    scaled, turns = [round(extent * kind[0]) for extent in size], kind[1]
    view_size = scaled if turns % 2 == 0 else scaled[::-1]
    point = [share * (extent - 1) for share, extent in zip(place, view_size, strict=True)]
    expected = original_point((Fraction(point[0]), Fraction(point[1])), size, *kind)
    found = _turned.way_back(size, *kind)(torch.tensor(point, dtype=torch.float64))
    np.testing.assert_allclose(found.numpy(), [float(value) for value in expected], rtol=0, atol=1e-4)


@pytest.mark.parametrize("scale", [1.0, 0.5, 1.5])
def test_pixels_show_what_is_where_they_lead_back_to(scale: float):
    """Independent of the twin: red says the row and green the column."""
    y, x = np.mgrid[:60, :80]
    reference = Picture(np.stack([y, x, 0 * y], -1).astype(np.uint8))
    for view in TurnedViews([(scale, turns) for turns in range(4)])(reference):
        rows, columns = view.size
        at = torch.stack(torch.meshgrid(torch.arange(4.0, rows - 4), torch.arange(4.0, columns - 4), indexing="ij"), -1)
        shown = view.rows(0, view.size[0])[:2, 4:-4, 4:-4].permute(1, 2, 0) * 255
        torch.testing.assert_close(view.to_original(at), shown.double(), rtol=0, atol=1e-4 if scale == 1 else 0.1)


def test_names_and_order():
    names = [view.name for view in TurnedViews()(noise(21, 33))]
    assert names == [
        "turned 90", "turned 180", "turned 270",
        "scaled 0.5", "scaled 0.5, turned 90", "scaled 0.5, turned 180", "scaled 0.5, turned 270",
    ]  # fmt: skip


def test_views_of_nothing_are_left_out():
    assert [view.name for view in TurnedViews([(0.1, 0), (1.0, 1)])(noise(4, 4))] == ["turned 90"]


@pytest.mark.parametrize("kind", [(1.0, 4), (0.0, 1), (-1.0, 0)])
def test_refusals(kind):
    with pytest.raises(InputError, match="give scales above 0 and 0, 1, 2 or 3 quarter turns"):
        TurnedViews([kind])
