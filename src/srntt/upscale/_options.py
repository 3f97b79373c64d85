"""Options of an upscaler: matcher, alignment and precision."""

from typing import Literal, get_args

import numpy as np
import torch

from srntt.errors import InputError
from srntt.match import MATCHERS

MatcherOption = str
"""Name in `srntt.match.MATCHERS`, or ``auto``: fast matching if it is predicted to take less than a third of the time
and fits in memory, else exact.
"""

AlignOption = Literal["auto", "off"]
"""``auto`` also searches an aligned view of each reference where its geometry can be estimated."""

PrecisionOption = Literal["float32", "auto"]
"""``auto`` computes the network in bfloat16 on processors that have instructions for it."""


def check_options(matcher: str, align: str, precision: str, device: torch.device) -> None:
    """Raise InputError if an option is unknown, or the matcher does not run on the device."""
    for name, given, allowed in (("align", align, AlignOption), ("precision", precision, PrecisionOption)):
        if given not in get_args(allowed):
            raise InputError(f"{name} is {given!r}; give {' or '.join(map(repr, get_args(allowed)))}.")
    if matcher == "auto":
        return
    if not isinstance(matcher, str) or matcher not in MATCHERS:
        raise InputError(f"Matcher {matcher!r} does not exist; available: auto, {', '.join(MATCHERS)}.")
    if reason := MATCHERS[matcher].refusal(device):
        raise InputError(f"Matcher {matcher!r} cannot be used: {reason}. Give matcher 'auto', or another device.")


def check_call(progress: object, **switches: object) -> None:
    """Raise InputError if the callback or a switch of a call has another type."""
    if progress is not None and not callable(progress):
        raise InputError(f"progress is {type(progress).__name__}; give a function of stage, done and total, or None.")
    for name, switch in switches.items():
        if not isinstance(switch, bool | np.bool_):
            raise InputError(f"{name} is {type(switch).__name__}; give True or False.")


def check_tile(tile: object) -> None:
    """Raise InputError unless this is a whole number, or ``auto``."""
    if not isinstance(tile, int) and not (isinstance(tile, str) and tile == "auto"):
        raise InputError(f"tile is {tile!r}; give a whole number of LR pixels, or 'auto'.")


def is_half(option: PrecisionOption, device: torch.device) -> bool:
    """Return whether the network is computed in bfloat16."""
    return option == "auto" and device.type == "cpu" and bool(torch.cpu._is_avx512_bf16_supported())
