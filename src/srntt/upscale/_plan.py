"""How an upscale is done: its pieces, and how the references are searched."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch

from srntt.errors import MemoryBudgetError
from srntt.image import Picture
from srntt.match import MATCHERS, Sizes, choose_matcher
from srntt.memory import (
    Extra,
    Job,
    Needs,
    Pieces,
    Room,
    budget_bytes,
    device_free_bytes,
    give_back,
    plan_pieces,
    resident_bytes,
)
from srntt.models import Drive, EncodedView
from srntt.upscale._consistent import consistency_bytes
from srntt.upscale._matcher import MatcherOption


@dataclass(frozen=True)
class Plan(Pieces):
    """How an upscale is done.

    Attributes:
        matcher: how the references are searched.
        reason: for that, for people.
        fallbacks: what was asked for and is done otherwise.
    """

    matcher: str = "exact"
    reason: str = ""
    fallbacks: tuple[str, ...] = ()

    @classmethod
    def of(cls, pieces: Pieces, matcher: str = "exact") -> "Plan":
        """These pieces, searched so."""
        return cls(pieces.tile, pieces.band, pieces.peak, matcher)


def plan_upscale(
    job: Job,
    references: list[EncodedView],
    drive: Drive,
    device: torch.device,
    *,
    memory: int | None,
    matcher: MatcherOption,
    tile: int | None,
    extra: Extra = Extra(),  # noqa: B008 (frozen)
) -> Plan:
    """The largest pieces that fit what memory is left now, and the matcher that was asked for or is quicker.

    Args:
        job: sizes of the upscale.
        references: what is searched.
        drive: of the model.
        device: where it works.
        memory: bytes that the process may hold; None for most of what is free.
        matcher: as it was asked for.
        tile: side of a tile, if that was asked for.
        extra: what most upscales do not do.

    Raises:
        InputError: a tile that is too small.
        MemoryBudgetError: not even the smallest pieces fit; with ``fast``, not together with fast matching.
    """
    give_back()
    room = Room(resident_bytes(), budget_bytes(memory), device_free_bytes(device))
    anywhere = [item for item in references if item.reach is None]
    candidates = sum(min(n, drive.appetite.candidates) for n in (len(anywhere), len(references) - len(anywhere)))
    keys = [item.maps[drive.key].nbytes for item in references if item.file]
    sampled = sum(tensor.nbytes for item in references if item.file for tensor in item.maps.values()) - sum(keys)
    checking = consistency_bytes(job.height, job.width, job.channels, drive.scale)
    files = max(keys, default=0), sampled
    needs = Needs(job, drive.appetite, drive.halo, drive.scale, candidates, checking, *files, extra)
    if not references:
        return Plan.of(plan_pieces(needs, room, tile))
    maps = [item.maps[drive.key] for item in anywhere]
    sizes = Sizes(job.height * job.width, tuple(key[0].numel() for key in maps), maps[0].shape[0], drive.patch)
    threads = torch.get_num_threads()
    joining = needs.field if 0 < len(anywhere) < len(references) else 0  # candidates of both kinds, put together

    def plan(matcher: str) -> Plan:
        def matching(rows: int) -> int:
            size = job.height, job.width
            return max(joining, drive.matching_bytes(MATCHERS[matcher], size, sizes.keys, rows, threads))

        return Plan.of(plan_pieces(needs, room, tile, matching), matcher)

    return plan_matching(matcher, sizes, device, plan)


def job_of(source: Picture, size: tuple[int, int] | None = None) -> Job:
    """The sizes of an upscale of a picture, or of what it is in another size (H, W)."""
    bands = 0 if source.bands is None else source.bands.shape[2]
    channels = source.color.shape[2] + (source.alpha is not None) + bands
    height, width = size or (source.height, source.width)
    return Job(height, width, channels, source.bits // 8)


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
