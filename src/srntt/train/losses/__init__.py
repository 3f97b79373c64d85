"""Training losses, each a pure function of tensors: what it asks for, in which form, and from where, is in its text."""

from srntt.train.losses._adversarial import (
    gradient_penalty,
    relativistic_critic,
    relativistic_generator,
    wasserstein_critic,
    wasserstein_generator,
)
from srntt.train.losses._perceptual import FeatureNetwork, PerceptualForm, look_at, perceptual
from srntt.train.losses._pixels import charbonnier, l1, lattice, lr_consistency
from srntt.train.losses._texture import gram, texture_consistency, texture_consistency_released, texture_gram
