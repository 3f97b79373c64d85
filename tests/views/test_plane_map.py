"""Maps of the plane."""

import json

import pytest
import torch

from srntt.views import PlaneMap

_SKEWED = PlaneMap(((1.1, 0.2, 3.0), (-0.1, 0.9, 5.0), (1e-3, -2e-3, 1.0)))


def test_a_homography_divides_by_its_third_row():
    found = _SKEWED(torch.tensor([[10.0, 20.0]]))
    weight = 1e-3 * 10 - 2e-3 * 20 + 1
    torch.testing.assert_close(
        found, torch.tensor([[(11 + 4 + 3) / weight, (-1 + 18 + 5) / weight]], dtype=torch.float64)
    )


def test_maps_follow_each_other():
    points = torch.rand(7, 5, 2) * 100
    other = PlaneMap.turned((40, 30), 1)
    torch.testing.assert_close(_SKEWED.after(other)(points), _SKEWED(other(points)))


def test_four_quarter_turns_lead_nowhere():
    points = torch.rand(5, 2) * 30
    once, back = PlaneMap.turned((40, 30), 1), PlaneMap.turned((30, 40), 1)
    assert once.after(back).after(once).after(back)(points).tolist() == points.double().tolist()


def test_numbers_survive_a_file():
    assert PlaneMap.read(json.loads(json.dumps(_SKEWED.matrix))) == _SKEWED


@pytest.mark.parametrize(
    "numbers", [[[1, 0], [0, 1]], [[1, 0, 0]] * 3, [[1e200, 0, 0], [0, 1e200, 0], [0, 0, 1]], "abc", None]
)
def test_what_maps_no_plane_is_refused(numbers):
    with pytest.raises((ValueError, TypeError)):
        PlaneMap.read(numbers)
