"""Turned and scaled references: every pixel of a copy must be traceable to the original."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from srntt.errors import InputError
from srntt.views import augment_references


def picture_of_coordinates(height: int, width: int) -> torch.Tensor:
    """Red says the row, green the column, in [0, 1]."""
    y, x = torch.meshgrid(torch.arange(height) / height, torch.arange(width) / width, indexing="ij")
    return torch.stack([y, x, torch.zeros_like(y)])


@given(height=st.integers(4, 40), width=st.integers(4, 40), turn=st.integers(0, 3))
@settings(max_examples=30, deadline=None)
def test_turned_pixels_lead_back(height: int, width: int, turn: int):
    original = picture_of_coordinates(height, width)
    (copy,) = augment_references(original, turns=(turn,), scales=(1.0,))
    rows, columns = copy.picture.shape[1:]
    assert rows % 4 == columns % 4 == 0
    y, x = torch.meshgrid(torch.arange(rows) * 1.0, torch.arange(columns) * 1.0, indexing="ij")
    back_y, back_x = copy.to_original(y, x)
    assert torch.equal(original[:, back_y.round().long(), back_x.round().long()], copy.picture)


@pytest.mark.parametrize("scale", [0.5, 0.75, 1.5])
def test_scaled_pixels_lead_back(scale: float):
    original = picture_of_coordinates(60, 80)
    for copy in augment_references(original, scales=(scale,)):
        rows, columns = copy.picture.shape[1:]
        y, x = torch.meshgrid(torch.arange(4.0, rows - 4), torch.arange(4.0, columns - 4), indexing="ij")
        back_y, back_x = copy.to_original(y, x)
        shown = copy.picture[:, 4 : rows - 4, 4 : columns - 4]
        assert torch.allclose(shown[0] * 60, back_y, atol=0.3)
        assert torch.allclose(shown[1] * 80, back_x, atol=0.3)


def test_order_and_number_of_copies():
    copies = augment_references(torch.rand(3, 21, 33))
    assert [tuple(copy.picture.shape[1:]) for copy in copies] == [
        (20, 32), (32, 20), (20, 32), (32, 20), (8, 16), (16, 8), (8, 16), (16, 8),
    ]  # fmt: skip
    assert [copy.turns for copy in copies] == [0, 1, 2, 3] * 2


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"turns": (4,)}, "quarter turns are 0, 1, 2 or 3"),
        ({"scales": (0.1,)}, "scale 0.1 makes a 20x30 reference 2x3"),
    ],
)
def test_refusals(options: dict, text: str):
    with pytest.raises(InputError, match=text):
        augment_references(torch.rand(3, 20, 30), **options)
