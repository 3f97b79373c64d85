"""Encoding of references, in bands of rows that fit in memory."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import TypeVar

import torch
from torch import Tensor

from srntt._failures import is_out_of_memory, refuse_failed_device
from srntt._shapes import Bool
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
from srntt.views import Rows, View, ViewMaker, holds_detail

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
        device: Device of the model; the CPU once the memory of another has run out.
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

    @property
    def drive(self) -> Drive:
        """Drive of the model on the device."""
        return self.drive_on(self.device)

    def encode(self, number: int, picture: Picture, makers: Sequence[ViewMaker]) -> list[EncodedView]:
        """Encode the views of a reference sequentially.

        Pixels at the right and bottom that do not fill an LR pixel are dropped, and so are views smaller than one.

        Raises:
            PictureError: The reference is smaller than an LR pixel.
            MemoryBudgetError: The work exceeds the memory budget.
        """
        size, least = (picture.height, picture.width), self.drive.scale
        if min(size) < least:
            raise PictureError(
                f"Reference {picture.source} has {picture.width} x {picture.height} pixels; "
                f"at least {least} x {least} are needed. Omit it."
            )
        views = [view for maker in makers for view in maker.sizes(size)]
        self.plan(size, views, max(maker.transient_bytes(size) for maker in makers))
        encoded, too_small = [], []
        for place, view in enumerate(chain.from_iterable(maker(picture) for maker in makers)):
            self._before, self._of = place, len(views)
            if min(view.size) < least:
                too_small.append(view.name)
            else:
                encoded.append(self.encode_view(number, picture.source, size, view))
        if too_small:
            self.fallbacks.append(f"encoding: {picture.source} is too small for these views: {'; '.join(too_small)}")
        return encoded

    def encode_view(
        self,
        number: int,
        source: str,
        size: tuple[int, int],
        view: View,
        continuous: Bool[Tensor, "h w"] | None = None,
    ) -> EncodedView:
        """Encode a view, which was planned; positions without detail, or not ``continuous``, never match."""
        maps, file = self._encode_rows(view.rows, *view.size)
        drive = self.drive
        valid = maps.pop(_DETAIL)[0] > 0
        for mask in (view.valid_positions(drive.scale), continuous):
            if mask is not None:
                valid &= mask.to(valid.device)
        if valid.all():
            valid = None
        else:
            for channel in maps[drive.key]:
                channel.mul_(valid)
                if file:
                    file.rest()
        return EncodedView(number, source, view.name, *size, view.to_original, maps, valid, file=file)

    def plan(self, size: tuple[int, int], views: list[tuple[int, int]], making: int) -> None:
        """Choose the rows of a band, and whether maps are memory-mapped.

        ``size`` and ``views`` are height and width of the reference and its views, ``making`` the bytes to compute one.
        """
        room = Room(resident_bytes(), self.budget, device_free_bytes(self.device))
        self._planned = partial(plan_reference, size, views, making, self.drive.appetite, self.drive.context)
        kept = self._planned(room, mapped=True).kept
        self._mapped = self.device == _CPU and kept > _MAPPED * max(0, self.budget - room.held)
        chosen = self._planned(room, mapped=self._mapped)
        self._band, self.peak = chosen.band, max(self.peak, chosen.peak)

    def need(self, needed: int) -> None:
        """Account for memory that aligning a reference needs; raise MemoryBudgetError if it exceeds the budget."""
        room = Room(resident_bytes(), self.budget)
        if not room.fits(room.held, needed):
            give_back()
            room = Room(resident_bytes(), self.budget)
        least = room.held + needed
        if not room.fits(room.held, needed):
            raise MemoryBudgetError(f"Aligning a reference needs {format_memory(least)}. {room.allowed(least)}")
        self.peak = max(self.peak, least)

    def align(self, work: Callable[[Drive], _Made]) -> _Made:
        """Run work that needs little memory on the device, or on the CPU if memory runs out."""
        try:
            return work(self.drive)
        except Exception as error:
            refuse_failed_device(error, "aligning a reference")
            if not is_out_of_memory(error) or self.device == _CPU:
                raise
        release(self.device)
        self._go_to_the_cpu("aligning")
        return work(self.drive)

    def _encode_rows(self, rows: Rows, height: int, width: int) -> tuple[dict[str, Tensor], MappedFile | None]:
        maps: dict[str, Tensor] = {}
        file = MappedFile() if self._mapped else None
        height, width = (extent // self.drive.scale * self.drive.scale for extent in (height, width))
        top = 0
        while top < height:
            bottom, no_space = min(height, top + self._band), ""
            try:
                self._encode_band(rows, slice(top, bottom), height, width, maps, file)
            except Exception as error:
                refuse_failed_device(error, "encoding a reference")
                if file and isinstance(error, OSError):
                    no_space = error.strerror or str(error)
                elif not is_out_of_memory(error):
                    raise
            else:
                top = bottom
                if (part := (self._before + top / height) / self._of) < 1:
                    self.report(part)
                continue
            if no_space:
                maps, file, top = {}, None, 0
                self._keep_in_memory(no_space)
            else:
                self._shrink()
                maps = {name: whole.to(self.device) for name, whole in maps.items()}
        return maps, file

    def _encode_band(
        self, rows: Rows, inner: slice, height: int, width: int, maps: dict[str, Tensor], file: MappedFile | None
    ) -> None:
        """Encode some rows of a view, and put them into the maps of all of it, which the first band allocates."""
        drive = self.drive
        outer = slice(max(0, inner.start - drive.context), min(height, inner.stop + drive.context))
        band = rows(outer.start, outer.stop)[:, :, :width]
        parts = drive.encode(band)
        parts[_DETAIL] = holds_detail(band, drive.scale)[None].to(parts[drive.key])
        for name, part in parts.items():
            step = (outer.stop - outer.start) // part.shape[1]  # rows of the view per row of the map
            if name not in maps:
                shape = (part.shape[0], height // step, part.shape[2])
                maps[name] = file.empty(*shape) if file else torch.empty(shape, device=part.device)
            kept = slice((inner.start - outer.start) // step, (inner.stop - outer.start) // step)
            maps[name][:, inner.start // step : inner.stop // step] = part[:, kept]
        if file:
            file.rest()

    def _keep_in_memory(self, reason: str) -> None:
        """Plan again without a temporary file; raise MemoryBudgetError if the maps do not fit in memory."""
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

    def _shrink(self) -> None:
        release(self.device)
        if self._band > _SMALLEST_BAND:
            self.fallbacks.append(f"encoding: out of memory at {self._band} rows on {self.device}, continued with half")
            self._band //= 2
        elif self.device != _CPU:
            self._go_to_the_cpu("encoding")
        else:
            raise MemoryBudgetError(
                f"Out of memory while encoding even {self._band} rows of a reference. "
                "Close other programs, or give fewer or smaller references."
            )

    def _go_to_the_cpu(self, work: str) -> None:
        self.fallbacks.append(f"{work}: out of memory on {self.device}, continued on the cpu")
        self.device = _CPU
