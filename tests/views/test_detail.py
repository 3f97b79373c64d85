"""Sharp pictures hold detail; enlarged and blurred ones do not; smooth ones cannot tell."""

from pathlib import Path

import pytest
import torch

from srntt.image import enlarge, load, reduce
from srntt.views import holds_detail

_EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "motorcycle" / "truth.png"


@pytest.fixture(scope="module")
def sharp():
    return load(_EXAMPLE).rgb()[:, :400, :640]


def test_a_photograph_holds_detail(sharp):
    assert holds_detail(sharp, 4).float().mean() > 0.95


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_what_was_enlarged_holds_none(sharp, scale):
    height, width = (extent // scale * scale for extent in sharp.shape[1:])
    enlarged = enlarge(reduce(sharp[None, :, :height, :width], scale), scale)[0].clamp(0, 1)
    assert holds_detail(enlarged, scale).float().mean() < 0.35  # much of this picture is smooth


def test_a_smooth_picture_cannot_distinguish():
    assert holds_detail(torch.full((3, 32, 40), 0.3), 4).all()


@pytest.mark.parametrize("size", [(4, 4), (4, 400), (12, 20), (36, 4)])
def test_any_size(size):
    assert holds_detail(torch.rand(3, *size), 4).shape == (size[0] // 4, size[1] // 4)
