import torch
from torch.autograd import gradcheck

from srntt.train.losses import lattice


def _lattice(level: float) -> torch.Tensor:
    """A picture in which the first of 16 sub-pixels is brighter."""
    picture = torch.full((2, 3, 64, 72), 0.4, dtype=torch.float64)
    picture[..., ::4, ::4] += level
    return picture


def test_the_value_is_the_mean_deviation_of_the_sub_pixels_means():
    found = float(lattice(_lattice(0.16), _lattice(0.0), 4))
    assert abs(found - (0.15 + 15 * 0.01) / 16) < 1e-6


def test_errors_that_do_not_repeat_with_the_sub_pixels_cost_nothing():
    assert float(lattice(_lattice(0.1) + 0.3, _lattice(0.1), 4)) < 1e-7
    noise = torch.randn(2, 3, 16, 18, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    whole_positions = noise.repeat_interleave(4, 2).repeat_interleave(4, 3)
    assert float(lattice(_lattice(0.0) + 0.1 * whole_positions, _lattice(0.0), 4)) < 1e-7


def test_tiles_count_less_the_more_texture_the_target_has():
    texture = torch.rand(2, 3, 64, 32, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    target = torch.full((2, 3, 64, 64), 0.5, dtype=torch.float64)
    target[..., :32] = texture
    in_texture, in_smooth = target.clone(), target.clone()
    in_texture[..., 0:32:4] += 0.1
    in_smooth[..., 32:64:4] += 0.1
    assert float(lattice(in_texture, target, 4)) < 0.01 * float(lattice(in_smooth, target, 4))


def test_the_gradient_is_that_of_the_value():
    output = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    target = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    assert gradcheck(lambda x: lattice(x, target, 2), output.requires_grad_())
