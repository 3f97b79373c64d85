"""Matching around a position's own place, held to a twin that looks at one position at a time."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from srntt.match import local_match


def _slow(query, key, top, reach):
    """Nearest first, so that equal ones go to the nearest."""
    height, width = query.shape[1:]
    found = torch.empty(3, height, width)
    for row in range(height):
        for column in range(width):
            places = [
                (y, x)
                for y in range(max(0, top + row - reach), min(key.shape[1], top + row + reach + 1))
                for x in range(max(0, column - reach), min(width, column + reach + 1))
            ]
            places.sort(key=lambda p: ((p[0] - top - row) ** 2 + (p[1] - column) ** 2, p))
            cosines = [float((query[:, row, column] * key[:, y, x]).sum()) for y, x in places]
            best = max(range(len(places)), key=lambda n: (cosines[n], -n))
            found[:, row, column] = torch.tensor([*places[best], cosines[best]])
    return found


@settings(deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 7), st.integers(1, 6), st.integers(0, 3), st.data())
def test_each_position_takes_the_best_around_it(seed, height, width, reach, data):
    torch.manual_seed(seed)
    key = F.normalize(torch.randn(4, height, width), dim=0)
    top = data.draw(st.integers(0, height - 1))
    rows = data.draw(st.integers(1, height - top))
    query = F.normalize(torch.randn(4, rows, width), dim=0)
    found, expected = local_match(query, key, top=top, reach=reach), _slow(query, key, top, reach)
    assert torch.equal(torch.stack([found.y, found.x]), expected[:2].long())
    assert torch.allclose(found.similarity, expected[2], atol=1e-6)


def test_equal_ones_go_to_the_nearest():
    same = torch.ones(1, 5, 5)
    found = local_match(same, same, reach=2)
    rows = torch.arange(5)
    assert torch.equal(found.y, rows[:, None].expand(5, 5))
    assert torch.equal(found.x, rows.expand(5, 5))


def test_bands_give_what_the_whole_gives():
    torch.manual_seed(0)
    query, key = (F.normalize(torch.randn(6, 9, 7), dim=0) for _ in range(2))
    whole = local_match(query, key)
    for top, bottom in ((0, 2), (2, 7), (7, 9)):
        part = local_match(query[:, top:bottom], key, top=top)
        assert torch.equal(part.position, whole.position[top:bottom])
        assert torch.allclose(part.similarity, whole.similarity[top:bottom], atol=1e-6)


@pytest.mark.parametrize("shift", [(1, 0), (0, -2), (2, 2)])
def test_a_shift_within_reach_is_found(shift):
    torch.manual_seed(1)
    key = F.normalize(torch.randn(16, 12, 12), dim=0)
    query = key.roll((-shift[0], -shift[1]), (1, 2))
    found = local_match(query, key)
    rows = torch.arange(3, 9)
    assert torch.equal(found.y[3:9, 3:9], (rows + shift[0])[:, None].expand(6, 6))
    assert torch.equal(found.x[3:9, 3:9], (rows + shift[1]).expand(6, 6))
