"""A reference turned back to the small picture: pixels lead back to the original, and what it lacks is not valid."""

import numpy as np
import pytest
import torch
from views.aligned.test_view import placement

from srntt.views.aligned import UprightView


def _turned(degrees: float, times: float) -> np.ndarray:
    sine, cosine = times * np.sin(np.radians(degrees)), times * np.cos(np.radians(degrees))
    return np.array([[cosine, -sine, 60.0], [sine, cosine, 10.0], [0, 0, 1]])


def _ramps(height: int, width: int) -> np.ndarray:
    """Each pixel says where it is: red x, green y, in shares."""
    y, x = np.indices((height, width))
    return np.stack([x / width, y / height, 0 * x], -1).astype(np.float32)


def _view(degrees: float, times: float, shown: np.ndarray | None = None) -> UprightView:
    pixels = _ramps(150, 200)
    everything = np.ones((15, 20), bool)
    return UprightView(pixels, placement(_turned(degrees, times)), 4, everything if shown is None else shown)


@pytest.mark.parametrize(("degrees", "times"), [(30, 4.0), (-90, 8.0), (180, 6.0), (77, 12.0)])
def test_pixels_lead_back_to_the_original(degrees: float, times: float):
    view = _view(degrees, times)
    rgb, valid = view.rgb(), view.valid()
    assert rgb.shape[1:] == view.size == valid.shape
    rows, columns = valid.nonzero().T
    assert len(rows) > 0.4 * 150 * 200 / (times / 4) ** 2 - 400
    origin = view.to_original(torch.stack([rows, columns], -1).float())
    off = (rgb[:2, rows, columns] * torch.tensor([[200], [150]])).flip(0).T - origin
    edge = torch.minimum(origin, torch.tensor([149, 199]) - origin).amin(1)
    assert off[edge > 5 * times / 4].abs().max() < 0.1  # nearer to it, the ramp is mirrored
    assert off.abs().max() < times


def test_directions_are_those_of_the_small_picture():
    """A step to the right in it is one in the view, of ``scale`` pixels."""
    view, matrix = _view(30, 8.0), _turned(30, 8.0)
    step = view.to_original(torch.tensor([[0.0, 0.0], [0.0, 4.0]])).diff(dim=0)[0]
    assert step.tolist() == pytest.approx([matrix[1, 0], matrix[0, 0]], abs=1e-4)


def test_bands_are_those_of_the_whole():
    view = _view(20, 5.0)
    whole = view.rgb()
    assert torch.equal(view.rgb(16, 60), whole[:, 16:60])


def test_margins_are_not_valid():
    shown = np.ones((15, 20), bool)
    shown[:, :10] = False
    view = _view(0.0, 8.0, shown)
    assert not view.valid()[:, :45].any()
    assert view.valid()[10:60, 55:95].all()


@pytest.mark.parametrize(
    ("degrees", "times", "needed"), [(0, 4.0, False), (11, 4.5, False), (13, 4.0, True), (0, 5.2, True)]
)
def test_only_what_a_search_would_not_find_needs_it(degrees: float, times: float, needed: bool):
    assert _view(degrees, times).is_needed == needed
