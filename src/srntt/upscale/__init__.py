"""Inference engine: encoded references, tiling, memory budget, provenance."""

from srntt.upscale._any_size import OutputSize
from srntt.upscale._base_model import BaseModel
from srntt.upscale._choose_model import AUTO, CLEAN, Degradation, ModelChoice, choose_model
from srntt.upscale._consistent import Consistency
from srntt.upscale._duration import Schedule, Speeds, Workload
from srntt.upscale._helpfulness import HELPED, helped, verdict
from srntt.upscale._influence import Box, check_strength
from srntt.upscale._options import MatcherOption
from srntt.upscale._provenance import USED, Provenance, used_level
from srntt.upscale._references import References
from srntt.upscale._result import Result
from srntt.upscale._self_ensemble import self_ensemble
from srntt.upscale._share_picture import share_color
from srntt.upscale._upscaler import Upscaler
from srntt.upscale._used_reference import UsedReference
from srntt.views.aligned import Track

__all__ = [
    "BaseModel",
    "Consistency",
    "ModelChoice",
    "Provenance",
    "References",
    "Result",
    "Track",
    "Upscaler",
    "UsedReference",
    "choose_model",
    "self_ensemble",
]
