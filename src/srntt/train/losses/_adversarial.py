"""Adversarial losses: WGAN-GP, the paper's, and the relativistic average GAN."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from srntt._shapes import Float
from srntt.train.losses._precision import exact


def wasserstein_critic(real: Float[Tensor, "*scores"], fake: Float[Tensor, "*scores"]) -> Float[Tensor, ""]:
    """What the critic owes before its penalty: mean score of fakes less that of real ones (arXiv:1704.00028, Eq. 3)."""
    return exact(fake).mean() - exact(real).mean()


def wasserstein_generator(fake: Float[Tensor, "*scores"]) -> Float[Tensor, ""]:
    """What the generator owes: the mean score of its pictures, negated."""
    return -exact(fake).mean()


def gradient_penalty(
    critic: Callable[[Tensor], Tensor],
    real: Float[Tensor, "b 3 H W"],
    fake: Float[Tensor, "b 3 H W"],
    generator: torch.Generator | None = None,
) -> Float[Tensor, ""]:
    """Mean over samples of (norm of the critic's gradient - 1)^2, at points between real and fake (weight it by 10).

    The norm is that of a sample's whole gradient, over channels and pixels (arXiv:1704.00028, Eq. 3). A critic with
    batch normalisation mixes samples, and the gradient of a sample's score then is not its alone: the paper's
    `Discriminator` has it, which the authors of the penalty advise against.

    Args:
        critic: pictures to scores of any shape, b first.
        real: RGB in [0, 1].
        fake: RGB in [0, 1]; no gradient flows to it.
        generator: of the points, on the pictures' device; None: torch's own.
    """
    # PAPER: the released code takes the norm over channels only, at each pixel.
    share = torch.rand(len(real), 1, 1, 1, dtype=real.dtype, device=real.device, generator=generator)
    point = torch.lerp(real.detach(), fake.detach(), share).requires_grad_()
    with torch.autocast(point.device.type, enabled=False):  # a norm near 1 has three digits in bfloat16
        (gradient,) = torch.autograd.grad(critic(point).sum(), point, create_graph=True)
        return (torch.linalg.vector_norm(gradient, dim=(1, 2, 3)) - 1).square().mean()


def relativistic_critic(real: Float[Tensor, "*scores"], fake: Float[Tensor, "*scores"]) -> Float[Tensor, ""]:
    """What the critic owes: real must look more real than fakes do on average, fakes less than real ones do.

    Relativistic average GAN (Jolicoeur-Martineau, arXiv:1807.00734, section 4.2), halved so that chance is log 2.

    Args:
        real: logits of real pictures: a score each, or a map of them.
        fake: logits of the generator's.
    """
    real, fake = exact(real), exact(fake)
    return (F.softplus(fake.mean() - real).mean() + F.softplus(fake - real.mean()).mean()) / 2


def relativistic_generator(real: Float[Tensor, "*scores"], fake: Float[Tensor, "*scores"]) -> Float[Tensor, ""]:
    """What the generator owes: the same with sides exchanged. Gradient flows through both sides' scores."""
    return relativistic_critic(fake, real)
