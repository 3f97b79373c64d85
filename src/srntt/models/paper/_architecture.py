"""The lines of the table for SRNTT as the paper has it, and for its content extractor by itself."""

from srntt.models._architecture import Architecture
from srntt.models.paper._content_extractor import ContentExtractor, ContentExtractorConfig
from srntt.models.paper._drive import PaperDrive
from srntt.models.paper._network import PaperConfig, PaperSRNTT
from srntt.models.paper._teach import PaperLesson

PAPER = Architecture("paper", PaperConfig, PaperSRNTT, PaperDrive, PaperLesson)
CONTENT_EXTRACTOR = Architecture("content-extractor", ContentExtractorConfig, ContentExtractor)
