import numpy as np
import torch
from torch import nn
from torch.autograd import gradcheck

from srntt.train import losses


def scores(shape: tuple[int, ...] = (5,)) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    real, fake = (torch.randn(shape, dtype=torch.float64, generator=generator) for _ in range(2))
    return real.requires_grad_(), fake.requires_grad_()


def critic() -> nn.Module:
    torch.manual_seed(1)
    layers = (nn.Conv2d(3, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(4 * 4 * 3, 1))
    return nn.Sequential(*layers).double()


def test_wasserstein_losses_are_differences_of_means():
    real, fake = scores()
    expected = fake.detach().numpy().mean() - real.detach().numpy().mean()
    assert abs(losses.wasserstein_critic(real, fake).item() - expected) < 1e-12
    assert losses.wasserstein_generator(fake).item() == -fake.mean().item()
    assert gradcheck(losses.wasserstein_critic, (real, fake))
    assert gradcheck(losses.wasserstein_generator, (fake,))


def test_gradient_penalty_equals_a_loop_over_samples():
    network = critic()
    real, fake = (torch.rand(3, 3, 6, 5, dtype=torch.float64) for _ in range(2))
    found = losses.gradient_penalty(network, real, fake, torch.Generator().manual_seed(4))
    share = torch.rand(3, 1, 1, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    terms = []
    for sample in range(3):
        point = (real[sample] + share[sample] * (fake[sample] - real[sample])).clone().requires_grad_()
        (gradient,) = torch.autograd.grad(network(point[None])[0, 0], point)
        terms.append((np.sqrt((gradient.numpy() ** 2).sum()) - 1) ** 2)
    assert abs(found.item() - np.mean(terms)) < 1e-12


def test_gradient_penalty_reaches_the_critic_and_not_the_pictures():
    network = critic()
    real, fake = (torch.rand(2, 3, 6, 5, dtype=torch.float64, requires_grad=True) for _ in range(2))
    losses.gradient_penalty(network, real, fake).backward()
    assert real.grad is None
    assert fake.grad is None
    first = network[0].weight.grad  # pyright: ignore
    assert first is not None
    assert first.abs().sum() > 0


def test_gradient_penalty_has_the_gradient_of_its_value():
    real, fake = (torch.rand(2, 3, 2, 2, dtype=torch.float64) for _ in range(2))
    weight = torch.randn(1, 12, dtype=torch.float64, requires_grad=True)

    def penalty(w: torch.Tensor) -> torch.Tensor:
        return losses.gradient_penalty(
            lambda x: (x.flatten(1) @ w.T).sin(), real, fake, torch.Generator().manual_seed(0)
        )

    assert gradcheck(penalty, (weight,))


def test_a_linear_critic_of_unit_slope_owes_no_penalty():
    weight = torch.randn(12, dtype=torch.float64)
    weight /= weight.norm()
    real, fake = (torch.rand(2, 3, 2, 2, dtype=torch.float64) for _ in range(2))
    assert float(losses.gradient_penalty(lambda x: x.flatten(1) @ weight, real, fake)) < 1e-24


def test_relativistic_losses_compare_with_the_other_sides_average():
    real, fake = scores((2, 1, 3, 4))
    r, f = real.detach().numpy(), fake.detach().numpy()

    def log_sigmoid(x: np.ndarray) -> np.ndarray:
        return -np.log1p(np.exp(-x))

    critic_owes = -(log_sigmoid(r - f.mean()).mean() + log_sigmoid(-(f - r.mean())).mean()) / 2
    generator_owes = -(log_sigmoid(f - r.mean()).mean() + log_sigmoid(-(r - f.mean())).mean()) / 2
    assert abs(losses.relativistic_critic(real, fake).item() - critic_owes) < 1e-12
    assert abs(losses.relativistic_generator(real, fake).item() - generator_owes) < 1e-12
    assert gradcheck(losses.relativistic_critic, (real, fake))
    assert gradcheck(losses.relativistic_generator, (real, fake))


def test_relativistic_losses_of_a_critic_that_cannot_distinguish_are_log_two():
    same = torch.full((4,), 0.3)
    assert abs(float(losses.relativistic_critic(same, same)) - np.log(2)) < 1e-6


def test_relativistic_losses_stand_scores_beyond_what_an_exponential_can():
    real, fake = torch.tensor([1e4, 9e3]), torch.tensor([-1e4, -9e3])
    assert losses.relativistic_critic(real, fake).item() == 0
    assert abs(losses.relativistic_generator(real, fake).item() - 1.9e4) < 1
