"""SRNTT as the paper has it."""

from srntt.models.paper._blocks import batch_norm
from srntt.models.paper._content_extractor import ContentExtractor
from srntt.models.paper._map_cache import MapCache
from srntt.models.paper._network import PaperConfig, PaperSRNTT, Swapped
from srntt.models.paper._teach import PaperLesson
from srntt.models.paper._texture_transfer import TextureTransfer

__all__ = ["ContentExtractor", "PaperConfig", "PaperSRNTT", "TextureTransfer"]
