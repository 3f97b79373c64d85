import pytest
import torch
from torch import nn

from srntt.errors import InputError
from srntt.train import losses
from srntt.train.critics import UNetDiscriminator


def discriminator(channels: int = 8) -> UNetDiscriminator:
    torch.manual_seed(0)
    return UNetDiscriminator(channels)


def test_it_has_the_size_that_was_weighed():
    assert sum(parameter.numel() for parameter in UNetDiscriminator().parameters()) == 883_361


def test_a_score_depends_on_its_picture_alone():
    network = discriminator().eval()
    pictures = torch.rand(3, 3, 32, 48)
    together = network(pictures)
    assert together.shape == (3, 1, 16, 24)
    torch.testing.assert_close(network(pictures[1:2]), together[1:2])


def test_every_pixel_is_looked_at():
    picture = torch.rand(1, 3, 32, 32, requires_grad=True)
    discriminator()(picture).sum().backward()
    assert picture.grad is not None
    assert (picture.grad != 0).all()


def test_sides_that_do_not_halve_four_times_are_refused():
    with pytest.raises(InputError, match="40x32; this discriminator takes multiples of 16"):
        discriminator()(torch.rand(1, 3, 32, 40))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_convolutions_keep_spectral_norm_one_while_learning(dtype: torch.dtype):
    network = discriminator()
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    for _ in range(20):
        with torch.autocast("cpu", dtype=dtype, enabled=dtype != torch.float32):
            loss = losses.relativistic_critic(network(torch.rand(2, 3, 32, 32)), network(torch.zeros(2, 3, 32, 32)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d) and m is not network.score]
    assert len(convolutions) == 8
    norms = torch.stack([torch.linalg.matrix_norm(m.weight.flatten(1), 2) for m in convolutions])
    # One power iteration a pass follows weights that move; bfloat16 has three digits.
    assert (norms - 1).abs().max() < 0.1


def test_it_learns_to_distinguish_sharp_pictures_from_blurred_ones():
    torch.manual_seed(0)
    network = UNetDiscriminator(8)
    optimizer = torch.optim.Adam(network.parameters(), 2e-3)

    def batch() -> tuple[torch.Tensor, torch.Tensor]:
        sharp = torch.rand(4, 3, 32, 32)
        return sharp, nn.functional.avg_pool2d(sharp, 3, 1, 1)

    for _ in range(30):
        sharp, blurred = batch()
        loss = losses.relativistic_critic(network(sharp), network(blurred))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    sharp, blurred = batch()
    assert losses.relativistic_critic(network(sharp), network(blurred)).item() < 0.1
