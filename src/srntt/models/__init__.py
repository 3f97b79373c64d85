"""Architectures, one folder each, in one table; model files; the models that ship inside."""

from srntt.models._drive import Appetite, Method, Progress, Rendered
from srntt.models._encoded_view import EncodedView
from srntt.models._files import ARCHITECTURES, load_model, save_model
from srntt.models._lesson import Lesson, Outcome
from srntt.models._named import METHODS, choose_device, find_model, fingerprint, list_models, open_model
from srntt.models._push import Pushed, push_model
from srntt.models.paper._official import convert_official, load_official

__all__ = [
    "ARCHITECTURES",
    "METHODS",
    "Appetite",
    "EncodedView",
    "Lesson",
    "Method",
    "Outcome",
    "Progress",
    "Pushed",
    "Rendered",
    "choose_device",
    "convert_official",
    "find_model",
    "fingerprint",
    "list_models",
    "load_model",
    "load_official",
    "open_model",
    "push_model",
    "save_model",
]
