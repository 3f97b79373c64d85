"""Which matcher an upscale uses: the one asked for, or by predicted time as far as memory allows."""

from collections.abc import Callable
from dataclasses import replace

import torch

from srntt.errors import InputError, MemoryBudgetError
from srntt.match import MATCHERS, Sizes, choose_matcher
from srntt.models import Drive, EncodedView
from srntt.upscale._plan import Plan

MatcherOption = str
"""A name in `srntt.match.MATCHERS`, or ``auto``: fast matching where it is predicted to take less than a third of the
time and fits, else exact.
"""


def sizes_of(queries: int, references: list[EncodedView], drive: Drive) -> Sizes:
    """What an upscale matches with what."""
    maps = [item.maps[drive.key] for item in references]
    return Sizes(queries, tuple(key[0].numel() for key in maps), maps[0].shape[0], drive.patch)


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


def plan_matching(option: MatcherOption, sizes: Sizes, device: torch.device, plan: Callable[[str], Plan]) -> Plan:
    """The plan with the matcher that was asked for, or with the quicker one.

    Args:
        option: what was asked for.
        sizes: what is to be matched.
        device: where it is matched.
        plan: makes the plan of an upscale that matches so.

    Raises:
        MemoryBudgetError: the work does not fit; with ``fast``, not together with fast matching.
    """
    if option != "auto":
        return replace(plan(option), reason=f"{option} matching: asked for")
    choice = choose_matcher(
        sizes.queries,
        sizes.keys,
        sizes.channels,
        patch=sizes.patch,
        threads=torch.get_num_threads(),
        device=device.type,
    )
    try:
        return replace(plan(choice.matcher), reason=choice.reason)
    except MemoryBudgetError:
        if choice.matcher == "exact":
            raise
        reason = "exact matching: memory does not allow fast matching"
        return replace(plan("exact"), reason=reason, fallbacks=(f"matching: {reason}",))
