"""Encoding of references, in bands of rows that fit in memory."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from srntt._failures import is_out_of_memory, refuse_failed_device
from srntt._shapes import Bool, Float, Shaped
from srntt.errors import MemoryBudgetError, PictureError
from srntt.image import Picture
from srntt.memory import (
    MappedFile,
    Room,
    device_free_bytes,
    format_memory,
    give_back,
    plan_reference,
    release,
    resident_bytes,
)
from srntt.models import Drive, EncodedView, Progress
from srntt.views import Rows, View, ViewMaker, choose_reduction, holds_detail
from srntt.views.aligned import (
    MOST_POSITIONS,
    AlignedView,
    Original,
    Placement,
    UprightView,
    dense_matches,
    dense_matches_bytes,
)

_SMALLEST_BAND = 64
_MAPPED = 0.1  # fraction of the available memory above which the maps of a reference are memory-mapped
_DETAIL = "detail"  # name of an additional map while a view is being encoded
_PARTS = 1000  # steps in which the progress of a reference is reported
_CPU = torch.device("cpu")
_Made = TypeVar("_Made")


def report_part(progress: Progress, stage: str, done: int, total: int, part: float) -> None:
    """Report that ``done`` of ``total`` references are finished, and ``part`` of the next one, 0 .. 1."""
    progress(stage, round(_PARTS * (done + part)), _PARTS * total)


@dataclass
class Encoder:
    """Encodes references sequentially.

    When memory runs out, the current band is repeated with half as many rows, down to the smallest, then on the CPU,
    before it is an error. Each such step is recorded in ``fallbacks``.

    Attributes:
        drive_on: Returns the drive of the model on a device.
        device: Initial device.
        budget: Memory budget of the process, in bytes.
        peak: Predicted peak memory of the process, in bytes.
        fallbacks: Deviations from the plan, in order.
        report: Called with the part of a reference that is encoded, 0 to 1, while it is not all of it.
    """

    drive_on: Callable[[torch.device], Drive]
    device: torch.device
    budget: int
    peak: int = 0
    fallbacks: list[str] = field(default_factory=list)
    report: Callable[[float], None] = lambda part: None
    _before, _of = 0, 1  # views of the reference: how many are done, and how many there are

    def encode(self, number: int, picture: Picture, makers: Sequence[ViewMaker]) -> list[EncodedView]:
        """Encode the views of a reference sequentially.

        Pixels at the right and bottom that do not fill an LR pixel are dropped, and so are views smaller than one.

        Raises:
            PictureError: The reference is smaller than an LR pixel.
            MemoryBudgetError: The work exceeds the memory budget.
        """
        size, least = (picture.height, picture.width), self.drive_on(self.device).scale
        if min(size) < least:
            raise PictureError(
                f"Reference {picture.source} has {picture.width} x {picture.height} pixels; "
                f"at least {least} x {least} are needed. Omit it."
            )
        making = max(maker.transient_bytes(size) for maker in makers)
        views = [view for maker in makers for view in maker.sizes(size)]
        self._plan(size, views, making)
        encoded, too_small = [], []
        for place, view in enumerate(chain.from_iterable(maker(picture) for maker in makers)):
            self._before, self._of = place, len(views)
            if min(view.size) < least:
                too_small.append(view.name)
                continue
            encoded.append(self._encode_view(number, picture.source, size, view))
        if too_small:
            self.fallbacks.append(f"encoding: {picture.source} is too small for these views: {'; '.join(too_small)}")
        return encoded

    def encode_aligned(self, original: Original, placement: Placement) -> EncodedView:
        """Encode a reference warped to the viewpoint of the low-res picture; positions it does not show never match.

        Raises:
            MemoryBudgetError: The work exceeds the memory budget.
        """
        drive = self.drive_on(self.device)
        aligned = AlignedView(self._filled(original), placement, drive.scale)
        self._plan(placement.reference, [aligned.size], aligned.bytes)
        encoded = self._encode_placed(original, placement, aligned.view())
        return replace(encoded, reach=drive.reaches[0] if drive.reaches else None)

    def encode_upright(self, original: Original, placement: Placement) -> EncodedView | None:
        """Encode a reference at the scale and rotation of the low-res picture, if matching would fail otherwise.

        Raises:
            MemoryBudgetError: The work exceeds the memory budget.
        """
        upright = UprightView(
            self._filled(original), placement, self.drive_on(self.device).scale, original.features.shown
        )
        if not upright.is_needed or min(upright.size) < upright.scale:
            return None
        self._plan(placement.reference, [upright.size], upright.bytes)
        return self._encode_placed(original, placement, upright.view())

    def _encode_placed(self, original: Original, placement: Placement, view: View) -> EncodedView:
        continuous = original.continuous(view, placement.scale, self.drive_on(self.device).scale)
        return self._encode_view(original.number, original.source, placement.reference, view, continuous)

    def _filled(self, original: Original) -> Shaped[np.ndarray, "H W c"]:
        """Return the pixels of a reference with its margins filled, after accounting for their memory."""
        self.need(original.filling_bytes)
        return original.filled

    def need(self, needed: int) -> None:
        """Account for memory in the process that other work on a reference needs, in bytes.

        Raises:
            MemoryBudgetError: It exceeds the memory budget.
        """
        room = Room(resident_bytes(), self.budget)
        if not room.fits(room.held, needed):
            give_back()
            room = Room(resident_bytes(), self.budget)
        if not room.fits(room.held, needed):
            least = room.held + needed
            raise MemoryBudgetError(f"Aligning a reference needs {format_memory(least)}. {room.allowed(least)}")
        self.peak = max(self.peak, room.held + needed)

    def reduction(self, low_res: Float[Tensor, "3 h w"], original: Original) -> int:
        """Return the factor by which a reference of another scene should be downsampled; 1 for none."""

        def chosen(drive: Drive) -> int:
            return choose_reduction(low_res, original.pixels, drive.scale, drive.describe) if drive.describe else 1

        return self._or_on_the_cpu(chosen)

    def matches(
        self, low_res: Float[Tensor, "3 h w"], view: EncodedView
    ) -> tuple[Float[np.ndarray, "n 2"], Float[np.ndarray, "n 2"]] | None:
        """Return points (x, y) of the low-res picture and of a reference that the model matches.

        None if the model does not support it, or for pictures of unsuitable size.

        Raises:
            MemoryBudgetError: The work exceeds the memory budget.
        """
        key = view.maps[self.drive_on(self.device).key]
        sizes = low_res[0].numel(), key[0].numel()

        def matched(drive: Drive) -> tuple[Float[np.ndarray, "n 2"], Float[np.ndarray, "n 2"]] | None:
            if not drive.describe or max(sizes) > MOST_POSITIONS:
                return None
            described = drive.appetite.described.bytes(sizes[0])
            self.need(max(described, len(key) * 4 * sizes[0] + dense_matches_bytes(len(key), *sizes)))
            query = drive.describe(low_res[None])
            mine, theirs = dense_matches(query.descriptor[0], query.contrast[0, 0], key.to(query.descriptor.device))
            pixels = torch.from_numpy(theirs[:, ::-1] * drive.scale + (drive.scale - 1) / 2)
            return mine, view.to_original(pixels).numpy()[:, ::-1].astype(np.float32)

        return self._or_on_the_cpu(matched)

    def _or_on_the_cpu(self, work: Callable[[Drive], _Made]) -> _Made:
        """Run work that needs little memory on the device, or on the CPU if memory runs out."""
        try:
            return work(self.drive_on(self.device))
        except Exception as error:
            refuse_failed_device(error, "aligning a reference")
            if not is_out_of_memory(error) or self.device == _CPU:
                raise
            self.fallbacks.append(f"aligning: out of memory on {self.device}, continued on the cpu")
        release(self.device)
        self.device = _CPU
        return work(self.drive_on(_CPU))

    def _encode_view(
        self,
        number: int,
        source: str,
        size: tuple[int, int],
        view: View,
        continuous: Bool[Tensor, "h w"] | None = None,
    ) -> EncodedView:
        maps, file = self._encode_rows(view.rows, *view.size)
        drive = self.drive_on(self.device)
        valid, shown = maps.pop(_DETAIL)[0] > 0, view.valid_positions(drive.scale)
        for mask in (shown, continuous):
            if mask is not None:
                valid &= mask.to(valid.device)
        if valid.all():
            valid = None
        else:
            for channel in maps[drive.key]:
                channel.mul_(valid)  # invalid positions never match
                if file:
                    file.rest()
        return EncodedView(number, source, view.name, *size, view.to_original, maps, valid, file=file)

    def _plan(self, size: tuple[int, int], views: list[tuple[int, int]], making: int) -> None:
        """Choose the rows of a band, and whether maps are memory-mapped."""
        drive = self.drive_on(self.device)
        room = Room(resident_bytes(), self.budget, device_free_bytes(self.device))
        self._planned = partial(plan_reference, size, views, making, drive.appetite, drive.context)
        kept = self._planned(room, mapped=True).kept
        self._mapped = self.device == _CPU and kept > _MAPPED * max(0, self.budget - room.held)
        chosen = self._planned(room, mapped=self._mapped)
        self._band, self.peak = chosen.band, max(self.peak, chosen.peak)

    def _keep_in_memory(self, reason: str) -> None:
        """Plan again without a temporary file.

        Raises:
            MemoryBudgetError: The maps do not fit in memory.
        """
        give_back()
        try:
            chosen = self._planned(Room(resident_bytes(), self.budget), mapped=False)
        except MemoryBudgetError as error:
            raise MemoryBudgetError(
                f"There is no space for a temporary file ({reason}), and without one memory does not suffice. {error} "
                "Or set TMPDIR to a folder with more space."
            ) from error
        self._mapped, self._band, self.peak = False, min(self._band, chosen.band), max(self.peak, chosen.peak)
        self.fallbacks.append(f"encoding: no space for a temporary file ({reason}), kept in memory")

    def _encode_rows(self, rows: Rows, height: int, width: int) -> tuple[dict[str, Tensor], MappedFile | None]:
        maps: dict[str, Tensor] = {}
        file = MappedFile() if self._mapped else None
        drive = self.drive_on(self.device)
        height, width = height // drive.scale * drive.scale, width // drive.scale * drive.scale
        top = 0
        while top < height:
            bottom = min(height, top + self._band)
            outer = slice(max(0, top - drive.context), min(height, bottom + drive.context))
            no_space = ""
            try:
                band = rows(outer.start, outer.stop)[:, :, :width]
                parts = drive.encode(band)
                parts[_DETAIL] = holds_detail(band, drive.scale)[None].to(parts[drive.key])
                for name, part in parts.items():
                    if name not in maps:
                        maps[name] = self._empty(part, outer, height, file)
                    _place(part, outer, slice(top, bottom), maps[name])
                if file:
                    file.rest()
                top = bottom
                if (part := (self._before + top / height) / self._of) < 1:
                    self.report(part)
                continue
            except Exception as error:
                refuse_failed_device(error, "encoding a reference")
                if file and isinstance(error, OSError):
                    no_space = error.strerror or str(error)
                elif not is_out_of_memory(error):
                    raise
            band = parts = part = None  # released, as is the error with its frames
            if no_space:
                maps, file, top = {}, None, 0
                self._keep_in_memory(no_space)
                continue
            self._shrink()
            drive = self.drive_on(self.device)
            maps = {name: whole.to(self.device) for name, whole in maps.items()}
        return maps, file

    def _empty(self, part: Tensor, outer: slice, height: int, file: MappedFile | None) -> Tensor:
        """Allocate the map of a picture of ``height`` rows, given the map ``part`` of a band."""
        shape = (part.shape[0], height * part.shape[1] // (outer.stop - outer.start), part.shape[2])
        return file.empty(*shape) if file else torch.empty(shape, device=part.device)

    def _shrink(self) -> None:
        release(self.device)
        if self._band > _SMALLEST_BAND:
            self.fallbacks.append(f"encoding: out of memory at {self._band} rows on {self.device}, continued with half")
            self._band //= 2
        elif self.device != _CPU:
            self.fallbacks.append(f"encoding: out of memory on {self.device}, continued on the cpu")
            self.device = _CPU
        else:
            raise MemoryBudgetError(
                f"Out of memory while encoding even {self._band} rows of a reference. "
                "Close other programs, or give fewer or smaller references."
            )


def _place(part: Tensor, outer: slice, inner: slice, whole: Tensor) -> None:
    """Copy the inner rows of the map of a band to the map of the whole picture."""
    step = (outer.stop - outer.start) // part.shape[1]  # rows of the picture per row of the map
    kept = slice((inner.start - outer.start) // step, (inner.stop - outer.start) // step)
    whole[:, inner.start // step : inner.stop // step] = part[:, kept]
