"""Architectures, one folder each, in one table; model files; the models that ship inside."""

from srntt.models._drive import Drive, Fused, Progress, Rendered
from srntt.models._encoded_view import EncodedView
from srntt.models._files import load_model, save_model
from srntt.models._lesson import Lesson, Outcome, Teaching
from srntt.models._named import choose_device, find_model, fingerprint, list_models, models_with_base, open_model
from srntt.models._push import push_model
from srntt.models._table import ARCHITECTURES, Architecture, drive_model, export_model
from srntt.models.paper._official import convert_official, load_official

__all__ = [
    "ARCHITECTURES",
    "Architecture",
    "convert_official",
    "export_model",
    "list_models",
    "load_model",
    "open_model",
    "push_model",
    "save_model",
]
