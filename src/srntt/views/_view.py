"""A view of a reference: a picture made from it, where it is valid, and the way back."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from torch import Tensor

from srntt._shapes import Bool, Float
from srntt.image import Picture

Rows = Callable[[int, int], Float[Tensor, "3 h w"]]
"""Gives the rows top..bottom of a picture, RGB in [0, 1]."""

PointMap = Callable[[Float[Tensor, "*n 2"]], Float[Tensor, "*n 2"]]
"""Takes points (y, x) of a view to points of the original picture, in double precision."""

Size = tuple[int, int]
"""Height and width in pixels."""


@dataclass(frozen=True, eq=False)
class View:
    """A view of a reference that is searched. Its picture is made in bands, so that a large one is never held whole.

    Attributes:
        name: for people and files, such as ``scaled 0.5, turned 90``.
        size: height and width of its picture.
        rows: gives a band of it.
        to_original: from its pixels to those of the reference.
        valid: where it shows the reference; None where it does everywhere.
    """

    name: str
    size: Size
    rows: Rows
    to_original: PointMap
    valid: Bool[Tensor, "H W"] | None = None

    def valid_positions(self, scale: int) -> Bool[Tensor, "h w"] | None:
        """Positions of a grid ``scale`` times coarser of which every pixel is valid; None if all are."""
        if self.valid is None:
            return None
        height, width = (extent // scale for extent in self.size)
        cells = self.valid[: height * scale, : width * scale].unflatten(0, (height, scale)).unflatten(2, (width, scale))
        return cells.all(3).all(1)


@runtime_checkable
class ViewMaker(Protocol):
    """Makes views of one kind, and predicts the memory that they take."""

    def __call__(self, reference: Picture) -> Iterator[View]:
        """The views, one at a time; a view is dropped before the next one is asked for."""
        ...

    def sizes(self, reference: Size) -> list[Size]:
        """Of the views of a reference of this size, in order."""
        ...

    def transient_bytes(self, reference: Size) -> int:
        """Most that making a view holds, beyond the reference and the bands that are asked for."""
        ...
