"""Which matcher an upscale uses: the one asked for, or by predicted time as far as memory allows."""

import torch

from srntt.errors import InputError
from srntt.match import MATCHERS

MatcherOption = str
"""A name in `srntt.match.MATCHERS`, or ``auto``: fast matching where it is predicted to take less than a third of the
time and fits, else exact.
"""


def check_matcher(option: str, device: torch.device) -> None:
    """Refuse what does not exist, or not on this device.

    Raises:
        InputError: either.
    """
    if option == "auto":
        return
    if option not in MATCHERS:
        raise InputError(f"Matcher {option!r} does not exist; there are auto, {', '.join(MATCHERS)}.")
    if reason := MATCHERS[option].refusal(device):
        raise InputError(f"Matcher {option!r} cannot be used: {reason}. Give matcher 'auto', or another device.")
