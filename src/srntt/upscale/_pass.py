"""One pass of a model, by its scale."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
import torch

from srntt import image
from srntt._shapes import Float
from srntt.errors import MemoryBudgetError
from srntt.image import Picture
from srntt.memory import Extra, Job, budget_bytes, give_back
from srntt.models import Drive, EncodedView, Progress
from srntt.upscale._aligning import AlignOption, Found, found_views, joined_found
from srntt.upscale._any_size import joined_origins, worst
from srntt.upscale._bands import enlarged_alpha, enlarged_bands
from srntt.upscale._base_model import BaseModel
from srntt.upscale._consistent import Consistency, back_project, consistency
from srntt.upscale._encode import Encoder
from srntt.upscale._engine import Engine
from srntt.upscale._influence import Influence
from srntt.upscale._matcher import MatcherOption
from srntt.upscale._plan import Plan, job_of, plan_upscale
from srntt.upscale._provenance import Provenance, trace
from srntt.upscale._references import References
from srntt.upscale._tiles import Canvas
from srntt.views.aligned import Track


@dataclass(frozen=True, eq=False)
class Made:
    """Output of a pass; fields not listed are those of `Result`.

    Attributes:
        picture: Output, in the range and depth of the input of the model.
        found: Alignment of the references.
        peak: Predicted peak memory of the process, in bytes.
    """

    picture: Picture
    similarity: Float[np.ndarray, "h w"] | None
    provenance: Provenance | None
    found: Found
    peak: int
    tile: int
    matcher: str | None
    matcher_reason: str | None
    fallbacks: tuple[str, ...]
    consistency: Consistency
    base: str | None


def joined(passes: Sequence[Made]) -> Made:
    """Combine passes, each of which continued from the output of the one before, at least one."""
    first, last = passes[0], passes[-1]
    if len(passes) == 1:
        return last
    return replace(
        last,
        provenance=joined_origins(first.provenance, last.provenance),
        found=joined_found(first.found, last.found),
        peak=max(one.peak for one in passes),
        fallbacks=tuple(dict.fromkeys(text for one in passes for text in one.fallbacks)),
        consistency=worst([one.consistency for one in passes]),
        base=first.base,
    )


@dataclass(frozen=True, eq=False)
class Pass:
    """Settings of a pass.

    Attributes:
        drive_on: Returns the drive of the model on a device.
        device: Initial device.
        memory: Memory budget of the process in bytes, or None.
        matcher: Requested matcher.
        align: Whether references are aligned.
        base_model: Base model used if no base is given, or None.
        tile: Side of a tile, or None.
        consistent: Whether to make the output consistent with the input.
        progress: Called with (stage, done, total).
        track: Alignment of the picture before, of a sequence, or None.
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
    progress: Progress
    track: Track | None = None
    half: bool = False

    def make(
        self,
        seen: Picture,
        references: References | None,
        base: Picture | None,
        influence: Influence | None,
        output: tuple[int, int],
    ) -> Made:
        """Upscale a picture by the scale of the model.

        Args:
            seen: Low-res picture.
            references: References encoded for the model.
            base: Output of another upscaler, in the same range, or None.
            influence: Influence of references at each place, or None.
            output: Height and width to which the output will be resized, for the memory plan.

        Raises:
            MemoryBudgetError: The work exceeds the memory budget even in the smallest tiles.
            ModelError: The model returned values that are not finite.
        """
        enlarged = None if base or not self.base_model else self.base_model.enlarge(seen, self._budget, self.progress)
        under, low_res = enlarged.picture if enlarged else base, seen.rgb()
        scale = self.drive_on(self.device).scale
        encoder = Encoder(self.drive_on, self.device, self._budget)
        job = job_of(seen)
        resized = 0 if output == (job.height * scale, job.width * scale) else output[0] * output[1] * job.pixel
        extra = Extra(under is not None, influence is not None and influence.protects, resized)
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
        return Made(
            picture=image.picture_like(seen, canvas.pixels, enlarged_alpha(seen, scale), bands=bands),
            similarity=None if field is None else field.similarity.amax(0).cpu().numpy(),
            provenance=None if field is None or share is None else trace(field, found.views, share, scale),
            found=found,
            peak=max(plan.peak, encoder.peak, enlarged.predicted if enlarged else 0),
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

    def plan(self, job: Job, references: list[EncodedView], extra: Extra = Extra()) -> Plan:  # noqa: B008 (frozen)
        """Plan the pass.

        Raises:
            InputError: The tile is too small.
            MemoryBudgetError: The work exceeds the memory budget even in the smallest tiles.
        """
        return plan_upscale(
            job,
            references,
            self.drive_on(self.device),
            self.device,
            memory=self.memory,
            matcher=self.matcher,
            tile=self.tile,
            extra=extra,
        )

    @property
    def _budget(self) -> int:
        return budget_bytes(self.memory)

    def _searched(
        self, seen: Picture, references: References | None, encoder: Encoder, extra: Extra
    ) -> tuple[Found, Plan]:
        """Return the views to search, including aligned ones if they fit, and the plan."""
        job = job_of(seen)
        plain = Found(list(references or ()))
        found = plain
        if self.align == "auto":
            found = found_views(seen.rgb(), references, encoder, self.progress, self.track)
        if found.placements or found.reductions:
            with suppress(MemoryBudgetError):
                return found, self.plan(job, found.views, extra)
            encoder.fallbacks.append("aligning: memory does not allow it, references are searched unchanged")
            found = plain
        return found, self.plan(job, found.views, extra)
