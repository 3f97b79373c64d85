"""The light architecture: our own network, small enough for a CPU."""

from srntt.models.lite._losses import correspondence, hit_rate, sub_position
from srntt.models.lite._network import Lite, LiteConfig, Textures, sample_bands, sample_textures, stack_evidence
from srntt.models.lite._teach import LiteLesson

__all__ = [
    "Lite",
    "LiteConfig",
    "LiteLesson",
    "Textures",
    "correspondence",
    "hit_rate",
    "sample_bands",
    "sample_textures",
    "stack_evidence",
    "sub_position",
]
