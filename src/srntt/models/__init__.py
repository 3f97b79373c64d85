"""Architectures, one folder each, in one table; model files; the models that ship inside."""

from srntt.models._architecture import Architecture
from srntt.models._drive import BasedDrive, Drive, Progress, Rendered
from srntt.models._encoded_view import EncodedView
from srntt.models._files import load_model, save_model
from srntt.models._fused import Fused
from srntt.models._lesson import Lesson, Outcome, Teaching
from srntt.models._named import choose_device, find_model, fingerprint, list_models, models_with_base, open_model
from srntt.models._push import Pushed, push_model
from srntt.models._table import ARCHITECTURES, architecture_of, drive_model, export_model
from srntt.models.paper._official import convert_official, load_official

__all__ = [
    "ARCHITECTURES",
    "Architecture",
    "BasedDrive",
    "Drive",
    "EncodedView",
    "Fused",
    "Lesson",
    "Outcome",
    "Progress",
    "Pushed",
    "Rendered",
    "Teaching",
    "architecture_of",
    "choose_device",
    "convert_official",
    "drive_model",
    "export_model",
    "find_model",
    "fingerprint",
    "list_models",
    "load_model",
    "load_official",
    "models_with_base",
    "open_model",
    "push_model",
    "save_model",
]
