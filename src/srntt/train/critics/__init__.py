"""Discriminators for the adversarial loss."""

from srntt.train.critics._patch import Discriminator
from srntt.train.critics._unet import UNetDiscriminator
