"""A reference picture to what a model needs of it, band by band of rows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor

from srntt._failures import is_out_of_memory, refuse_failed_device
from srntt._shapes import Float
from srntt.errors import MemoryBudgetError, PictureError
from srntt.image import Picture
from srntt.memory import MappedFile, device_free_bytes, release, resident_bytes
from srntt.models import EncodedReference, Matrix, Method
from srntt.upscale._plan import Room, plan_reference
from srntt.views import ReferenceCopy, augment_references

_SMALLEST = 4
_SMALLEST_BAND = 64
_MAPPED = 0.1  # of the memory that is left: references whose maps take more lie in a file
_IDENTITY = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
_SCALES, _TURNS = (1.0, 0.5), (0, 1, 2, 3)
_CPU = torch.device("cpu")

Rows = Callable[[int, int], Float[Tensor, "3 h w"]]
"""Gives the rows top..bottom of a picture."""


@dataclass
class Encoder:
    """Encodes references one after the other.

    When memory runs out the band at hand is done again in half the rows, down to the smallest; then on the CPU; then
    it is an error. Each such step is recorded in ``fallbacks``.

    Attributes:
        method_on: the kind of model on a device.
        device: where work starts.
        budget: bytes that the process may hold.
    """

    method_on: Callable[[torch.device], Method]
    device: torch.device
    budget: int
    fallbacks: list[str] = field(default_factory=list)

    def encode(self, number: int, picture: Picture, *, augment: bool) -> list[EncodedReference]:
        """Encode a reference, and its turned and scaled copies if asked.

        What does not fill a whole LR pixel at the right and bottom is left out.

        Raises:
            PictureError: smaller than 4 x 4 pixels.
            MemoryBudgetError: does not fit.
        """
        if min(picture.height, picture.width) < _SMALLEST:
            raise PictureError(
                f"Reference {picture.source} has {picture.width} x {picture.height} pixels; "
                f"at least {_SMALLEST} x {_SMALLEST} are needed. Leave it out."
            )
        copies = len(_TURNS) * sum(scale**2 for scale in _SCALES) if augment else 1.0
        room = Room(resident_bytes(), self.budget, device_free_bytes(self.device))
        method = self.method_on(self.device)
        plan = partial(plan_reference, picture.height, picture.width, copies, method.appetite, method.context, room)
        self._mapped = self.device == _CPU and plan(True).kept > _MAPPED * max(0, self.budget - room.held)
        self._band = plan(self._mapped).band
        about = (number, picture.source, picture.height, picture.width)
        if not augment:
            return [EncodedReference(*about, _IDENTITY, *self._encode_rows(picture.rgb, picture.height, picture.width))]
        return [
            EncodedReference(
                *about,
                _matrix(copy),
                *self._encode_rows(_rows_of(copy.picture), *copy.picture.shape[1:]),  # pyright: ignore[reportCallIssue]
            )
            for copy in self._copies(picture)
        ]

    def _copies(self, picture: Picture) -> Iterator[ReferenceCopy]:
        """One at a time, so that no two are held."""
        whole = picture.rgb()
        for scale in _SCALES:
            if min(picture.height, picture.width) * scale < _SMALLEST:
                self.fallbacks.append(f"encoding: {picture.source} is too small for copies at {scale} of its size")
                continue
            for turn in _TURNS:
                yield augment_references(whole, turns=(turn,), scales=(scale,))[0]

    def _encode_rows(self, rows: Rows, height: int, width: int) -> tuple[dict[str, Tensor], MappedFile | None]:
        maps: dict[str, Tensor] = {}
        file = MappedFile() if self._mapped else None
        method = self.method_on(self.device)
        height, width = height // method.scale * method.scale, width // method.scale * method.scale
        top = 0
        while top < height:
            bottom = min(height, top + self._band)
            outer = slice(max(0, top - method.context), min(height, bottom + method.context))
            try:
                for name, part in method.encode(rows(outer.start, outer.stop)[:, :, :width]).items():
                    if name not in maps:
                        maps[name] = self._empty(part, outer, height, file)
                    _place(part, outer, slice(top, bottom), maps[name])
                if file:
                    file.rest()
                top = bottom
                continue
            except Exception as error:
                refuse_failed_device(error, "encoding a reference")
                if not is_out_of_memory(error):
                    raise
            self._shrink()
            method = self.method_on(self.device)
            maps = {name: whole.to(self.device) for name, whole in maps.items()}
        return maps, file

    def _empty(self, part: Tensor, outer: slice, height: int, file: MappedFile | None) -> Tensor:
        """Room for the map of a picture of ``height`` rows, of which ``part`` is the map of a band."""
        shape = (part.shape[0], height * part.shape[1] // (outer.stop - outer.start), part.shape[2])
        if file:
            try:
                return file.empty(*shape)
            except OSError as error:
                self.fallbacks.append(f"encoding: no room for a temporary file ({error.strerror}), kept in memory")
        return torch.empty(shape, device=part.device)

    def _shrink(self) -> None:
        release(self.device)
        if self._band > _SMALLEST_BAND:
            self.fallbacks.append(f"encoding: out of memory at {self._band} rows on {self.device}, went on with half")
            self._band //= 2
        elif self.device != _CPU:
            self.fallbacks.append(f"encoding: out of memory on {self.device}, went on on the cpu")
            self.device = _CPU
        else:
            raise MemoryBudgetError(
                f"Out of memory while encoding even {self._band} rows of a reference. "
                "Close other programs, or give fewer or smaller references."
            )


def _place(part: Tensor, outer: slice, inner: slice, whole: Tensor) -> None:
    """Put the inner rows of a band's map where they belong in that of the whole picture."""
    step = (outer.stop - outer.start) // part.shape[1]  # rows of the picture for one of the map
    kept = slice((inner.start - outer.start) // step, (inner.stop - outer.start) // step)
    whole[:, inner.start // step : inner.stop // step] = part[:, kept]


def _rows_of(picture: Float[Tensor, "3 H W"]) -> Rows:
    return lambda top, bottom: picture[:, top:bottom]


def _matrix(copy: ReferenceCopy) -> Matrix:
    corners = copy.to_original(torch.tensor([0.0, 1.0, 0.0]), torch.tensor([0.0, 0.0, 1.0]))
    rows = [(float(c[1] - c[0]), float(c[2] - c[0]), float(c[0])) for c in corners]
    return rows[0], rows[1]
