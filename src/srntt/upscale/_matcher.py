"""Which matcher an upscale uses: the one asked for, or by predicted time as far as memory allows."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, get_args

import torch

from srntt.errors import InputError, MemoryBudgetError
from srntt.match import choose_matcher, fast_match_bytes
from srntt.upscale._memory import format_memory
from srntt.upscale._method import Method
from srntt.upscale._plan import Plan
from srntt.upscale._references import EncodedReference

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
    def of(cls, queries: int, references: list[EncodedReference], method: Method) -> "Question":
        """That of an upscale."""
        maps = [item.maps[method.key] for item in references]
        keys = tuple(key.shape[1] * key.shape[2] for key in maps)
        return cls(queries, keys, maps[0].shape[0], method.patch)

    def fast_bytes(self, held: int) -> int:
        """What fast matching takes: the matcher, and ``held`` for each query position."""
        threads = torch.get_num_threads()
        return fast_match_bytes(self.queries, self.keys, self.channels, self.patch, threads) + self.queries * held


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
    option: MatcherOption, question: Question, held: int, device: torch.device, plan: Callable[[int], Plan]
) -> Plan:
    """The plan with the matcher that was asked for, or with the quicker one.

    Args:
        option: what was asked for.
        question: what is to be matched.
        held: bytes that fast matching holds for each query position, beside the matcher's own.
        device: where it is matched.
        plan: makes the plan of an upscale whose matching takes so many bytes more.

    Raises:
        MemoryBudgetError: the work does not fit; with ``fast``, not together with fast matching.
    """
    needed = question.fast_bytes(held)
    if option == "fast":
        return replace(plan(needed), matcher="fast", reason="fast matching: asked for")
    if option == "exact":
        return replace(plan(0), reason="exact matching: asked for")
    choice = choose_matcher(
        question.queries,
        question.keys,
        question.channels,
        patch=question.patch,
        threads=torch.get_num_threads(),
        device=device.type,
    )
    if choice.matcher == "exact":
        return replace(plan(0), reason=choice.reason)
    try:
        return replace(plan(needed), matcher="fast", reason=choice.reason)
    except MemoryBudgetError:
        reason = f"exact matching: fast matching takes {format_memory(needed)} more, which memory does not allow"
        return replace(plan(0), reason=reason, fallbacks=(f"matching: {reason}",))
