"""The light architecture: our own network, small enough for a CPU."""

from srntt.models.lite._based import blend_with_base
from srntt.models.lite._config import LiteConfig
from srntt.models.lite._fusion import Textures
from srntt.models.lite._network import Lite, Shown
from srntt.models.lite._teach import LiteLesson

__all__ = ["Lite", "LiteConfig", "Shown"]
