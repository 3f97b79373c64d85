"""The smallest model that does what the shipped ones do."""

from pathlib import Path

import torch

from srntt.models import save_model
from srntt.models.lite import Lite, LiteConfig


def tiny_network(descriptor: int = 8) -> Lite:
    """A light model of the smallest size, its weights drawn from a fixed seed."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Lite(LiteConfig(channels=8, content_blocks=1, transfer_blocks=1, descriptor=descriptor))


def tiny_model(parent: Path) -> Path:
    """Its model folder, ``tiny``, with a card."""
    return save_model(tiny_network(), parent / "tiny", card="# tiny\n\nFor tests.\n")
