"""SRNTT as the paper has it."""

from srntt.models.paper._blocks import batch_norm
from srntt.models.paper._content_extractor import ContentExtractor, ContentExtractorConfig
from srntt.models.paper._network import PaperConfig, PaperSRNTT
from srntt.models.paper._teach import SWAPPED_LAYERS, PaperLesson
from srntt.models.paper._texture_transfer import TextureTransfer

__all__ = [
    "SWAPPED_LAYERS",
    "ContentExtractor",
    "ContentExtractorConfig",
    "PaperConfig",
    "PaperLesson",
    "PaperSRNTT",
    "TextureTransfer",
    "batch_norm",
]
