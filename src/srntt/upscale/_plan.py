"""Plan of an upscale: tile and band sizes, and the matcher."""

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
from srntt.upscale._options import MatcherOption


@dataclass(frozen=True)
class Plan(Pieces):
    """Plan of an upscale: the matcher, the reason for it, and deviations from what was requested."""

    matcher: str = "exact"
    reason: str = ""
    fallbacks: tuple[str, ...] = ()


def plan_upscale(
    job: Job,
    references: list[EncodedView],
    drive: Drive,
    device: torch.device,
    memory: int | None,
    matcher: MatcherOption,
    tile: int | None,
    extra: Extra = Extra(),  # noqa: B008 (frozen)
) -> Plan:
    """Choose the largest tile and band that fit in the available memory, and the requested or faster matcher.

    Raises:
        InputError: The tile is too small.
        MemoryBudgetError: Not even the smallest tile and band fit; with ``fast``, not with fast matching.
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
        return Plan(**vars(plan_pieces(needs, room, tile)))
    maps = [item.maps[drive.key] for item in anywhere]
    channels = references[0].maps[drive.key].shape[0]
    keys = tuple(key[0].numel() for key in maps) or (0,)  # a view in the frame of the picture needs no search
    sizes = Sizes(job.height * job.width, keys, channels, drive.patch)
    threads = torch.get_num_threads()
    joining = needs.field if 0 < len(anywhere) < len(references) else 0  # candidates of both kinds, concatenated

    def plan(matcher: str) -> Plan:
        def matching(rows: int) -> int:
            size = job.height, job.width
            return max(joining, drive.matching_bytes(MATCHERS[matcher], size, sizes.keys, rows, threads))

        return Plan(**vars(plan_pieces(needs, room, tile, matching)), matcher=matcher)

    if not anywhere:
        return replace(plan("exact"), reason="exact matching: near each position")
    return plan_matching(matcher, sizes, device, plan)


def job_of(source: Picture, size: tuple[int, int] | None = None) -> Job:
    """Return the sizes of an upscale of a picture, optionally at another size (H, W)."""
    bands = 0 if source.bands is None else source.bands.shape[2]
    channels = source.color.shape[2] + (source.alpha is not None) + bands
    height, width = size or (source.height, source.width)
    return Job(height, width, channels, source.bits // 8)


def plan_matching(option: MatcherOption, sizes: Sizes, device: torch.device, plan: Callable[[str], Plan]) -> Plan:
    """Return the plan with the requested matcher, or with the faster one for these sizes that memory allows.

    ``plan`` makes the plan with the matcher of a name; its MemoryBudgetError is raised if exact matching does not fit.
    """
    if option != "auto":
        return replace(plan(option), reason=f"{option} matching: as requested")
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
