"""Passes of a model, each by its scale."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import torch

from srntt import image
from srntt.errors import MemoryBudgetError
from srntt.image import Picture, resized
from srntt.memory import Extra, Job, budget_bytes, give_back, peak_bytes
from srntt.models import Drive, EncodedView, Progress
from srntt.upscale._aligning import Found, found_views
from srntt.upscale._any_size import joined_origins
from srntt.upscale._bands import enlarged_alpha, enlarged_bands
from srntt.upscale._base_model import BaseModel
from srntt.upscale._consistent import back_project, consistency
from srntt.upscale._encode import Encoder
from srntt.upscale._engine import Engine
from srntt.upscale._influence import Influence
from srntt.upscale._options import AlignOption, MatcherOption
from srntt.upscale._plan import Plan, job_of, plan_upscale
from srntt.upscale._provenance import trace
from srntt.upscale._references import References
from srntt.upscale._result import Result, over_passes
from srntt.upscale._tiles import Canvas
from srntt.upscale._used_reference import joined_references, used_references
from srntt.views.aligned import Track


@dataclass(frozen=True, eq=False)
class Pass:
    """Settings of a pass.

    Attributes:
        drive_on: Returns the drive of the model on a device.
        device: Initial device.
        memory: Budget of the process in bytes; None for most of the free memory.
        matcher, align: As in `Upscaler`.
        base_model: Base model used if no base is given, or None.
        tile: Side of a tile in LR pixels; None for the largest that fits.
        consistent: Whether the output is made consistent with the input, as in `Upscaler.upscale`.
        level: Share above which a position counts as used.
        progress: Called with a stage, what is done and the total.
        track: Alignment of the frame before, for a sequence.
        half: Compute the network in bfloat16.
    """

    drive_on: Callable[[torch.device], Drive]
    device: torch.device
    memory: int | None
    matcher: MatcherOption
    align: AlignOption
    base_model: BaseModel | None
    tile: int | None
    consistent: bool
    level: float
    progress: Progress
    track: Track | None = None
    half: bool = False

    def through(
        self,
        sizes: Sequence[tuple[int, int]],
        seen: Picture,
        references: References | None,
        base: Picture | None,
        influence: Influence | None,
        bits: int,
    ) -> Result:
        """Upscale a picture in one or two passes, each of which continues from the output of the one before.

        ``sizes`` are height and width of the output of each, ``bits`` the depth of the last. The base is for the first:
        ``scale`` times as large as the picture, with the same range of values.

        Raises:
            MemoryBudgetError: The work exceeds the memory budget even in the smallest tiles.
            ModelError: The model returned values that are not finite.
        """
        if len(sizes) > 1:  # raises before the first pass, not after it
            self.plan(job_of(seen, sizes[0]), list(references or ()))
        passes: list[Result] = []
        for size in sizes:
            placed = influence and influence.resized(seen.height, seen.width)
            made = self._make(seen, references, base, placed, size)
            seen, base = resized(made.picture, size, bits if size == sizes[-1] else seen.bits), None
            passes.append(replace(made, picture=seen))
            del made  # and its picture, before the next pass makes another
        return _joined(passes)

    def plan(self, job: Job, views: list[EncodedView], extra: Extra = Extra()) -> Plan:  # noqa: B008 (frozen)
        """Plan a pass, as `plan_upscale` does."""
        drive = self.drive_on(self.device)
        return plan_upscale(job, views, drive, self.device, self.memory, self.matcher, self.tile, extra)

    def _make(
        self,
        seen: Picture,
        references: References | None,
        base: Picture | None,
        influence: Influence | None,
        output: tuple[int, int],
    ) -> Result:
        """Upscale a picture by the scale of the model; ``output`` is the size to which it will be resized."""
        began, budget = time.perf_counter(), budget_bytes(self.memory)
        enlarged = self.base_model and self.base_model.enlarge(seen, budget, self.progress)
        under, low_res = enlarged.picture if enlarged else base, seen.rgb()
        scale = self.drive_on(self.device).scale
        encoder = Encoder(self.drive_on, self.device, budget)
        job = job_of(seen)
        native = output == (job.height * scale, job.width * scale)
        protects = influence is not None and influence.protects
        extra = Extra(under is not None, protects, 0 if native else output[0] * output[1] * job.pixel)
        found, plan = self._searched(seen, references, encoder, extra)
        engine = Engine(self.drive_on, self.device, found.views, plan, self.progress, under, influence, self.half)
        field = engine.match(low_res)
        for item in found.views:
            item.rest()
        give_back()  # otherwise blocks of tiles would not fit in the gaps
        canvas = Canvas(seen.height, seen.width, scale, bits=seen.bits, gray=seen.is_gray)
        share = engine.render(low_res, field, canvas)
        if self.consistent:
            back_project(seen, canvas.pixels, self.progress)
        measured = consistency(seen, canvas.pixels)
        engine.base = None  # it has no further bands
        bands = enlarged_bands(seen, engine, field, scale)
        sources = references.sources if references else ()
        origin = None
        if field is not None and share is not None:
            origin = trace(field, found.views, sources, share, scale, self.level)
        return Result(
            picture=image.picture_like(seen, canvas.pixels, enlarged_alpha(seen, scale), bands=bands),
            similarity=None if field is None else field.similarity.amax(0).cpu().numpy(),
            provenance=origin,
            references=used_references(sources, origin, found.placements, found.reductions, scale),
            seconds=time.perf_counter() - began,
            predicted_bytes=max(plan.peak, encoder.peak, enlarged.predicted if enlarged else 0),
            peak_bytes=peak_bytes(),
            tile=engine.tile,
            matcher=None if field is None else engine.plan.matcher,
            matcher_reason=None if field is None else engine.plan.reason,
            fallbacks=(
                *(enlarged.fallbacks if enlarged else ()),
                *encoder.fallbacks,
                *plan.fallbacks,
                *engine.fallbacks,
                *(measured.shortfall() if self.consistent else ()),
            ),
            consistency=measured,
            base=None if under is None else under.source,
        )

    def _searched(
        self, seen: Picture, references: References | None, encoder: Encoder, extra: Extra
    ) -> tuple[Found, Plan]:
        """Return the views to search, including aligned ones if they fit, and the plan."""
        job, found = job_of(seen), Found(list(references or ()))
        if self.align == "auto":
            aligned = found_views(seen.rgb(), references, encoder, self.progress, self.track)
            if aligned.placements or aligned.reductions:
                with suppress(MemoryBudgetError):
                    return aligned, self.plan(job, aligned.views, extra)
                encoder.fallbacks.append("aligning: memory does not allow it, references are searched unchanged")
        return found, self.plan(job, found.views, extra)


def _joined(passes: Sequence[Result]) -> Result:
    """Combine passes, at least one."""
    first, last = passes[0], passes[-1]
    if len(passes) == 1:
        return last
    origin = joined_origins(first.provenance, last.provenance)
    references = joined_references(first.references, last.references, origin)
    return replace(over_passes(last, passes), provenance=origin, references=references, base=first.base)
