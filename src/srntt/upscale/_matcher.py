"""Validation of the matcher option."""

import torch

from srntt.errors import InputError
from srntt.match import MATCHERS

MatcherOption = str
"""Name in `srntt.match.MATCHERS`, or ``auto``: fast matching if it is predicted to take less than a third of the time
and fits in memory, else exact.
"""


def check_matcher(option: str, device: torch.device) -> None:
    """Validate the option.

    Raises:
        InputError: The matcher is unknown, or does not run on the device.
    """
    if option == "auto":
        return
    if not isinstance(option, str) or option not in MATCHERS:
        raise InputError(f"Matcher {option!r} does not exist; available: auto, {', '.join(MATCHERS)}.")
    if reason := MATCHERS[option].refusal(device):
        raise InputError(f"Matcher {option!r} cannot be used: {reason}. Give matcher 'auto', or another device.")
