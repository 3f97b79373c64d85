"""Architectures, one folder each, in one table; model files; the models that ship inside."""

from srntt.models._drive import Appetite, Method, Progress, Rendered
from srntt.models._files import ARCHITECTURES, load_model, save_model
from srntt.models._lesson import Lesson, Outcome
from srntt.models._named import METHODS, choose_device, find_model, fingerprint, list_models, open_model
from srntt.models._push import Pushed, push_model
from srntt.models._references import EncodedReference, Matrix, References, picture_names
from srntt.models.paper._official import convert_official, load_official

__all__ = [
    "ARCHITECTURES",
    "METHODS",
    "Appetite",
    "EncodedReference",
    "Lesson",
    "Matrix",
    "Method",
    "Outcome",
    "Progress",
    "Pushed",
    "References",
    "Rendered",
    "choose_device",
    "convert_official",
    "find_model",
    "fingerprint",
    "list_models",
    "load_model",
    "load_official",
    "open_model",
    "picture_names",
    "push_model",
    "save_model",
]
