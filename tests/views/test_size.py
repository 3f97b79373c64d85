"""The size at which a reference is searched, by what its texture restores."""

import numpy as np
import pytest
import torch
from PIL import Image

from srntt.models import open_model
from srntt.views import choose_reduction
from srntt.views._size import REDUCTIONS


@pytest.fixture(scope="module")
def describe():
    return open_model("lite-rec").eval().requires_grad_(False).describe


@pytest.fixture(scope="module")
def wall() -> Image.Image:
    """Bricks of mortar and grain, each of its own shade."""
    random = np.random.default_rng(0)
    rows, columns = np.indices((576, 1152))
    brick = rows // 24, (columns + rows // 24 % 2 * 24) // 48
    shade = random.normal(130, 30, (24, 26))[brick]
    mortar = (rows % 24 < 4) | ((columns + rows // 24 % 2 * 24) % 48 < 4)
    grain = random.normal(0, 12, rows.shape)
    grey = np.where(mortar, 200, shade) + grain
    return Image.fromarray(np.clip(grey[..., None] * [1, 0.8, 0.7], 0, 255).astype(np.uint8))


def chosen(low_res: Image.Image, reference: Image.Image, describe) -> int:
    small = torch.from_numpy(np.asarray(low_res).astype(np.float32) / 255).permute(2, 0, 1)
    return choose_reduction(small.contiguous(), np.asarray(reference), 4, describe)


@pytest.mark.parametrize("times", REDUCTIONS)
def test_other_bricks_of_a_wall_are_brought_to_the_size_of_those_in_the_picture(describe, wall, times):
    low_res = wall.crop((0, 0, 576, 576)).resize((144, 144), Image.Resampling.BICUBIC)
    other = wall.crop((576, 0, 1152, 576)).resize((576 * times, 576 * times), Image.Resampling.BICUBIC)
    assert chosen(low_res, other, describe) == times


def test_a_reference_with_nothing_in_common_stays_as_it_is(describe, wall):
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 256, (600, 700, 3), np.uint8))
    assert chosen(wall.resize((288, 144), Image.Resampling.BICUBIC), noise, describe) == 1


@pytest.mark.parametrize("size", [(1, 1), (7, 900), (900, 7), (33, 33), (400, 300)])
@pytest.mark.parametrize("value", [0, 255])
def test_flat_and_tiny_pictures_pass_through(describe, wall, size, value):
    flat = Image.new("RGB", size, (value,) * 3)
    assert chosen(flat, wall, describe) == 1
    assert chosen(wall.resize((96, 48)), flat, describe) == 1


def test_grey_and_16_bits_do_not_matter(describe, wall):
    low_res = wall.convert("L").convert("RGB").crop((0, 0, 576, 576)).resize((144, 144), Image.Resampling.BICUBIC)
    small = torch.from_numpy(np.asarray(low_res).astype(np.float32) / 255).permute(2, 0, 1).contiguous()
    grey = np.asarray(wall.crop((576, 0, 1152, 576)).convert("L").resize((1152, 1152), Image.Resampling.BICUBIC))
    for pixels in (grey[..., None], grey[..., None].astype(np.uint16) * 257):
        assert choose_reduction(small, pixels, 4, describe) == 2
