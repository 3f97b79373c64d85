"""Which matcher an upscale uses: the one asked for, or by predicted time as far as memory allows."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, get_args

import torch

from srntt.errors import InputError, MemoryBudgetError
from srntt.match import Matcher, choose_matcher
from srntt.models import Drive, EncodedView
from srntt.upscale._plan import Plan

MatcherOption = Literal["auto", "exact", "fast"]
"""``auto`` is fast matching where it is predicted to take less than a third of the time and fits, else exact."""


@dataclass(frozen=True)
class Question:
    """What is matched with what: positions of the query and of each key map, channels, side of a patch."""

    queries: int
    keys: tuple[int, ...]
    channels: int
    patch: int

    @classmethod
    def of(cls, queries: int, references: list[EncodedView], drive: Drive) -> "Question":
        """That of an upscale."""
        maps = [item.maps[drive.key] for item in references]
        keys = tuple(key.shape[1] * key.shape[2] for key in maps)
        return cls(queries, keys, maps[0].shape[0], drive.patch)


def check_matcher(option: str, device: torch.device) -> None:
    """Refuse what does not exist, or not on this device.

    Raises:
        InputError: either.
    """
    if option not in get_args(MatcherOption):
        raise InputError(f"Matcher {option!r} does not exist; there are {', '.join(get_args(MatcherOption))}.")
    if option == "fast" and device.type != "cpu":
        raise InputError(
            f"Matcher 'fast' runs on the CPU, and the device is {device}. Give matcher 'auto', or device cpu."
        )


def plan_matching(
    option: MatcherOption, question: Question, device: torch.device, plan: Callable[[Matcher], Plan]
) -> Plan:
    """The plan with the matcher that was asked for, or with the quicker one.

    Args:
        option: what was asked for.
        question: what is to be matched.
        device: where it is matched.
        plan: makes the plan of an upscale that matches so.

    Raises:
        MemoryBudgetError: the work does not fit; with ``fast``, not together with fast matching.
    """
    if option != "auto":
        return replace(plan(option), reason=f"{option} matching: asked for")
    choice = choose_matcher(
        question.queries,
        question.keys,
        question.channels,
        patch=question.patch,
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
