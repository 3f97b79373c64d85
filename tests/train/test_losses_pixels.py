import numpy as np
import torch
from torch.autograd import gradcheck

from srntt.image import bicubic_pillow, reduce, round_to_8bit
from srntt.train import losses


def pictures(count: int, height: int = 8, width: int = 12) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.rand(2, 3, height, width, dtype=torch.float64, generator=generator) for _ in range(count)]


def test_l1_is_the_mean_absolute_difference():
    a, b = pictures(2)
    assert abs(float(losses.l1(a, b)) - np.abs(a.numpy() - b.numpy()).mean()) < 1e-12


def test_charbonnier_is_the_mean_of_smoothed_absolute_differences():
    a, b = pictures(2)
    assert abs(float(losses.charbonnier(a, b)) - np.sqrt((a.numpy() - b.numpy()) ** 2 + 1e-6).mean()) < 1e-12
    assert abs(float(losses.charbonnier(a, a)) - 1e-3) < 1e-12


def test_losses_on_pixels_have_the_gradient_of_their_values():
    output, target = (x[:1, :, :4, :8] for x in pictures(2))
    output = output.clone()
    output.requires_grad_()
    low_res = reduce(target, 4)
    assert gradcheck(lambda x: losses.l1(x, target), output)
    assert gradcheck(lambda x: losses.charbonnier(x, target), output)
    assert gradcheck(lambda x: losses.lr_consistency(x, low_res), output)


def test_lr_consistency_asks_nothing_of_the_picture_that_the_low_res_was_made_from():
    (high_res,) = pictures(1, 32, 24)
    low_res = round_to_8bit(reduce(high_res, 4))
    assert float(losses.lr_consistency(high_res, low_res)) < 1e-12
    assert float(losses.lr_consistency(high_res, low_res, slack=0.0)) > 1e-4


def test_lr_consistency_agrees_with_pillows_reduction_within_a_level():
    (high_res,) = pictures(1, 32, 24)
    high_res = round_to_8bit(high_res)
    low_res = bicubic_pillow(high_res, (8, 6))
    # 1e-6 beyond a level: torch's float64 kernel is Pillow's within that.
    assert float(losses.lr_consistency(high_res, low_res, slack=1 / 255 + 1e-6)) == 0


def test_lr_consistency_is_the_mean_of_what_exceeds_the_slack():
    output = torch.full((1, 3, 8, 8), 0.5)
    low_res = torch.full((1, 3, 2, 2), 0.4)
    low_res[..., 0] = 0.5
    assert abs(float(losses.lr_consistency(output, low_res, slack=0.02)) - 0.08 / 2) < 1e-6
