"""Sharp pictures hold detail; enlarged and blurred ones do not; smooth ones cannot tell."""

from pathlib import Path

import pytest
import torch

from srntt.image import enlarge, load, reduce
from srntt.views import holds_detail
from srntt.views._detail import rectangles

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


def test_detail_that_does_not_go_with_the_picture_is_none(sharp):
    soft = enlarge(reduce(sharp[None], 4), 4)[0]
    noise = torch.randn(1, *sharp.shape[1:], generator=torch.Generator().manual_seed(0))
    stripes = torch.ones(sharp.shape[2]).cumsum(0)[None, None] % 4 // 2 - 0.5
    for wrong in (soft + 0.1 * noise, soft + 0.4 * noise, soft + 0.6 * stripes, soft - 1.5 * (sharp - soft)):
        assert holds_detail(wrong.clamp(0, 1), 4).float().mean() < 0.25


@pytest.mark.parametrize("times", [4, 6])
def test_what_consists_of_rectangles_holds_none(sharp, times):
    height, width = (extent // (12 * times) * 12 for extent in sharp.shape[1:])
    blocks = sharp[:, :height, :width].repeat_interleave(times, 1).repeat_interleave(times, 2)
    assert holds_detail(blocks, 4).float().mean() < 0.3
    pixels = (blocks.permute(1, 2, 0) * 255).byte().numpy()
    assert rectangles(pixels, 4).float().mean() > 0.7
    assert torch.equal(rectangles(pixels[:, :, :1].repeat(3, 2), 4), rectangles(pixels[:, :, :1], 4))
    whole = (sharp.permute(1, 2, 0) * 255).byte().numpy()
    assert rectangles(whole, 4).float().mean() < 0.05


def test_bands_with_context_give_what_the_whole_gives(sharp):
    whole = holds_detail(sharp, 4)
    part = holds_detail(sharp[:, 120:328], 4)
    assert torch.equal(part[16:36], whole[46:66])
