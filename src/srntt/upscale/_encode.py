"""A reference picture to what a model needs of it, band by band of rows."""

from collections.abc import Callable

import torch
from torch import Tensor

from srntt._shapes import Float
from srntt.errors import InputError
from srntt.image import Picture
from srntt.match import ReferenceCopy, augment_references
from srntt.upscale._memory import resident_bytes
from srntt.upscale._method import Method
from srntt.upscale._plan import plan_reference
from srntt.upscale._references import EncodedReference, Matrix

_SMALLEST = 4
_IDENTITY = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))

Rows = Callable[[int, int], Float[Tensor, "3 h w"]]
"""Gives the rows top..bottom of a picture."""


def encode(method: Method, number: int, picture: Picture, budget: int, *, augment: bool) -> list[EncodedReference]:
    """Encode a reference, and its turned and scaled copies if asked.

    What does not fill a whole LR pixel at the right and bottom is left out.

    Raises:
        InputError: smaller than 4 x 4 pixels.
        MemoryBudgetError: does not fit.
    """
    if min(picture.height, picture.width) < _SMALLEST:
        raise InputError(
            f"Reference {picture.source} has {picture.width} x {picture.height} pixels; "
            f"at least {_SMALLEST} x {_SMALLEST} are needed. Leave it out."
        )

    def encoded(rows: Rows, height: int, width: int, to_original: Matrix) -> EncodedReference:
        maps = _encode_rows(method, rows, height // method.scale * method.scale, width, budget)
        return EncodedReference(number, picture.source, picture.height, picture.width, to_original, maps)

    if not augment:
        return [encoded(picture.rgb, picture.height, picture.width, _IDENTITY)]
    copies = augment_references(picture.rgb())
    return [encoded(_rows_of(c.picture), c.picture.shape[1], c.picture.shape[2], _matrix(c)) for c in copies]


def _rows_of(picture: Float[Tensor, "3 H W"]) -> Rows:
    return lambda top, bottom: picture[:, top:bottom]


def _matrix(copy: ReferenceCopy) -> Matrix:
    corners = copy.to_original(torch.tensor([0.0, 1.0, 0.0]), torch.tensor([0.0, 0.0, 1.0]))
    rows = [(float(c[1] - c[0]), float(c[2] - c[0]), float(c[0])) for c in corners]
    return rows[0], rows[1]


def _encode_rows(method: Method, rows: Rows, height: int, width: int, budget: int) -> dict[str, Tensor]:
    usable = width // method.scale * method.scale
    plan = plan_reference(height, width, method.appetite, method.context, resident_bytes(), budget)
    maps: dict[str, Tensor] = {}
    for top in range(0, height, plan.band):
        bottom = min(height, top + plan.band)
        outer_top, outer_bottom = max(0, top - method.context), min(height, bottom + method.context)
        band = rows(outer_top, outer_bottom)[:, :, :usable]
        parts = method.encode(band, slice(top - outer_top, bottom - outer_top))
        for name, part in parts.items():
            extent = part.shape[1] * height // (bottom - top)
            if name not in maps:
                maps[name] = torch.empty(part.shape[0], extent, part.shape[2], device=part.device)
            first = top * extent // height
            maps[name][:, first : first + part.shape[1]] = part
    return maps
