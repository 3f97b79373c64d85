"""Engine of an upscale: matching, then rendering in tiles, with fallbacks if memory runs out."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from srntt._failures import is_out_of_memory, refuse_failed_device
from srntt._shapes import Float
from srntt.errors import MemoryBudgetError, ModelError
from srntt.image import Picture
from srntt.match import MATCHERS, Match, Window
from srntt.memory import SMALLEST, give_back, release
from srntt.models import Drive, EncodedView, Progress, Rendered
from srntt.upscale._influence import Influence
from srntt.upscale._plan import Plan
from srntt.upscale._tiles import Canvas, Span, spans

_CPU = torch.device("cpu")
_SMALLEST_BAND = 8


@dataclass
class Engine:
    """Engine of one upscale, with references or, if there are none, for single-image super-resolution.

    When memory runs out, fast matching is replaced by exact matching, which needs little; then the current tile or band
    is repeated at half the size, down to the smallest; then the work moves to the CPU; then it is an error. Each such
    step is recorded in ``fallbacks``. Values that are not finite are an error.

    Attributes:
        device: Initial device.
        plan: Initial tile, band and matcher; afterwards, the matcher used and the reason.
        base: Base from which the model starts, or None.
        influence: Strength of the references at each place; None to leave it to the model.
        half: Compute the network in bfloat16.
        tile: Current side of a tile.
    """

    make_drive: Callable[[torch.device], Drive]
    device: torch.device
    references: list[EncodedView]
    plan: Plan
    progress: Progress
    base: Picture | None = None
    influence: Influence | None = None
    half: bool = False
    fallbacks: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tile, self._band = self.plan.tile, self.plan.band
        self._settle(self.device)

    def match(self, low_res: Float[Tensor, "3 h w"]) -> Match | None:
        """Match every LR position in the references."""
        while self.references:
            try:
                return self._drive.match(
                    low_res, self.references, self._band, MATCHERS[self.plan.matcher], self.progress
                )
            except Exception as error:
                refuse_failed_device(error, "matching")
                if not is_out_of_memory(error):
                    raise
            if not MATCHERS[self.plan.matcher].exact:
                self._go_on_exactly()
            else:
                self._shrink("matching", "_band", _SMALLEST_BAND)
        return None

    def render(
        self, low_res: Float[Tensor, "3 h w"], matched: Match | None, canvas: Canvas
    ) -> Float[np.ndarray, "k h w"] | None:
        """Fill the canvas; return the share of each candidate at each position."""
        share = None if matched is None else np.zeros(matched.similarity.shape, np.float32)
        first = 0
        while first < canvas.height:
            row = next(spans(canvas.height, self.tile, self._drive.halo, first))
            try:
                self._render_row(row, low_res, matched, canvas, share)
            except Exception as error:
                refuse_failed_device(error, "rendering")
                if not is_out_of_memory(error):
                    raise
            else:
                canvas.finish_row(row)
                first = row.stop
                for item in self.references:
                    item.rest()  # otherwise pages of memory-mapped maps accumulate
                continue
            canvas.restart_row()
            self._shrink("rendering", "tile", SMALLEST)
            matched = None if matched is None else matched.on(self._device)
        return share

    def _render_row(
        self,
        row: Span,
        low_res: Float[Tensor, "3 h w"],
        matched: Match | None,
        canvas: Canvas,
        share: Float[np.ndarray, "k h w"] | None,
    ) -> None:
        for column in spans(canvas.width, self.tile, self._drive.halo):
            rendered = self._rendered(low_res, matched, Window(row.outer, column.outer))
            if not bool(torch.isfinite(rendered.image).all()):
                raise ModelError(
                    f"The model returned values that are not finite at LR rows {row.start}..{row.stop}, "
                    f"columns {column.start}..{column.stop}. Nothing was written. Its weights are unsuitable for this "
                    "picture or device; try another model, or device cpu."
                )
            canvas.add(row, column, rendered.image)
            give_back()  # otherwise freed blocks accumulate in the allocator along the row
            if share is not None and rendered.share is not None:
                inner = rendered.share[
                    :,
                    row.start - row.outer_start : row.stop - row.outer_start,
                    column.start - column.outer_start : column.stop - column.outer_start,
                ]
                share[:, row.start : row.stop, column.start : column.stop] = inner.cpu().numpy()
            self.progress("render", row.start * canvas.width + (row.stop - row.start) * column.stop, low_res[0].numel())

    def _rendered(self, low_res: Float[Tensor, "3 h w"], matched: Match | None, window: Window) -> Rendered:
        if self.influence is None or matched is None:
            return self._rendered_with(low_res, matched, window)
        influence = self.influence.crop(window)
        rendered = self._rendered_with(low_res, matched, window, strength=influence.strength)
        if not influence.protects:
            return rendered
        alone = self._rendered_with(low_res, None, window)
        return replace(rendered, image=influence.keep(rendered.image, alone.image))

    def _rendered_with(
        self, low_res: Float[Tensor, "3 h w"], matched: Match | None, window: Window, **options: Tensor
    ) -> Rendered:
        drive = self._drive
        if self.base is not None:
            rows, columns = (slice(part.start * drive.scale, part.stop * drive.scale) for part in window)
            options["base"] = self.base.window(rows, columns)
        with torch.autocast(self._device.type, torch.bfloat16) if self.half else nullcontext():
            rendered = drive.render(low_res, matched, window, self.references, **options)
        return Rendered(rendered.image.float(), None if rendered.share is None else rendered.share.float())

    def _go_on_exactly(self) -> None:
        release(self._device)
        self.plan = replace(self.plan, matcher="exact", reason="exact matching: out of memory with fast matching")
        self.fallbacks.append("matching: out of memory with fast matching, continued with exact matching")

    def _shrink(self, work: str, piece: str, smallest: int) -> None:
        release(self._device)
        size = getattr(self, piece)
        if size > smallest:
            setattr(self, piece, max(smallest, size // 2))
            self.fallbacks.append(
                f"{work}: out of memory at {size} on {self._device}, continued with {getattr(self, piece)}"
            )
        elif self._device != _CPU:
            self.fallbacks.append(f"{work}: out of memory at {size} on {self._device}, continued on the cpu")
            self.tile, self._band = self.plan.tile, self.plan.band
            self._settle(_CPU)
        else:
            raise MemoryBudgetError(
                f"Out of memory while {work} even the smallest piece ({size} LR pixels a side). Nothing was written. "
                "Close other programs, or give a smaller picture or fewer references."
            )

    def _settle(self, device: torch.device) -> None:
        self._device = device
        self._drive = self.make_drive(device)
        self.references = [item.on(device) for item in self.references]
