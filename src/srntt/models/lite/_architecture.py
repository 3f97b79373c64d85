"""The light architecture's line of the table."""

from typing import Any

from srntt.models._architecture import Architecture
from srntt.models.lite._config import LiteConfig
from srntt.models.lite._drive import LiteDrive
from srntt.models.lite._network import Lite
from srntt.models.lite._teach import LiteLesson


def _export(*given: Any, **options: Any) -> Any:
    from srntt.models.lite.onnx import export_onnx

    return export_onnx(*given, **options)


LITE = Architecture(
    "lite",
    LiteConfig,
    Lite,
    LiteDrive,
    LiteLesson,
    _export,
    added=frozenset({"scale", "base", "candidates", "agreement"}),
)
