"""Where the pixels of a view lie in the picture it was made from: a map of the plane, kept as nine numbers."""

import math
from dataclasses import dataclass
from operator import mul
from typing import Any

import torch
from torch import Tensor

from srntt._shapes import Float

Row = tuple[float, float, float]
Matrix = tuple[Row, Row, Row]


@dataclass(frozen=True)
class PlaneMap:
    """A homography from the pixels of a view to those of the original picture; pixel centres are whole numbers in both.

    Attributes:
        matrix: takes (y, x, 1) to (y, x, 1), up to a factor.

    Example:
        >>> import torch
        >>> half = PlaneMap.resized((60, 80), (30, 40))
        >>> half(torch.tensor([0.0, 1.0])).tolist()
        [0.5, 2.5]
    """

    matrix: Matrix = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))

    @classmethod
    def resized(cls, original: tuple[int, int], size: tuple[int, int]) -> "PlaneMap":
        """That of a picture brought from one size, down and across, to another."""
        (down, y), (across, x) = (
            (old / new, (old / new - 1) / 2) for old, new in zip(original, size, strict=True)
        )  # (i + 0.5) * old / new - 0.5
        return cls(((down, 0.0, y), (0.0, across, x), (0.0, 0.0, 1.0)))

    @classmethod
    def turned(cls, original: tuple[int, int], quarters: int) -> "PlaneMap":
        """That of a picture of a size, down and across, after quarter turns, counterclockwise."""
        bottom, right = float(original[0] - 1), float(original[1] - 1)
        rows: tuple[tuple[Row, Row], ...] = (
            ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)),
            ((0.0, 1.0, 0.0), (-1.0, 0.0, right)),
            ((-1.0, 0.0, bottom), (0.0, -1.0, right)),
            ((0.0, -1.0, bottom), (1.0, 0.0, 0.0)),
        )
        return cls((*rows[quarters % 4], (0.0, 0.0, 1.0)))

    @classmethod
    def read(cls, numbers: Any) -> "PlaneMap":
        """Three rows of three numbers, from a file.

        Raises:
            ValueError: anything else, numbers that are not finite, or a map that flattens the plane.
            TypeError, OverflowError: what is no number, or too large for one.
        """
        (a, b, c), (d, e, f), (g, h, i) = ([float(number) for number in row] for row in numbers)
        determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
        if not all(map(math.isfinite, (a, b, c, d, e, f, g, h, i, determinant))) or determinant == 0:
            raise ValueError(f"{numbers} maps no plane")
        return cls(((a, b, c), (d, e, f), (g, h, i)))

    def __call__(self, points: Float[Tensor, "*n 2"]) -> Float[Tensor, "*n 2"]:
        """Points (y, x) of the view to points of the original, in double precision.

        The centre of position i of a map of stride s is the point ``s * i + (s - 1) / 2``.
        """
        matrix = torch.tensor(self.matrix, dtype=torch.float64, device=points.device)
        mapped = points.double() @ matrix[:, :2].T + matrix[:, 2]
        return mapped[..., :2] / mapped[..., 2:]

    def after(self, first: "PlaneMap") -> "PlaneMap":
        """This map of what another one gives: the way back from a view of a view."""
        columns = list(zip(*first.matrix, strict=True))
        return PlaneMap.read([[sum(map(mul, row, column)) for column in columns] for row in self.matrix])
