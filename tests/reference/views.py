"""Slow twins of views: the whole picture at once, and the way back by fractions, one quarter turn after the other."""

from collections.abc import Sequence
from fractions import Fraction

import torch
import torch.nn.functional as F

Point = tuple[Fraction, Fraction]


def turned_picture(picture: torch.Tensor, scale: float, turns: int) -> torch.Tensor:
    """A picture (3, H, W), scaled and then turned counterclockwise."""
    size = [round(extent * scale) for extent in picture.shape[1:]]
    if size != list(picture.shape[1:]):
        across = _bicubic(picture, (picture.shape[1], size[1]))
        picture = _bicubic(across, size).clamp(0, 1)
    return torch.rot90(picture, turns, (1, 2))


def _bicubic(picture: torch.Tensor, size: Sequence[int]) -> torch.Tensor:
    """Bicubic; of an output of one column, in which torch repeats the first value in every row, the picture turned."""
    if size[1] == 1:
        turned = F.interpolate(picture.transpose(1, 2)[None], size[::-1], mode="bicubic", antialias=True)
        return turned[0].transpose(1, 2)
    return F.interpolate(picture[None], size, mode="bicubic", antialias=True)[0]


def original_point(point: Point, original: tuple[int, int], scale: float, turns: int) -> Point:
    """Where a point of the turned picture is in the original one."""
    y, x = point
    scaled = [round(extent * scale) for extent in original]
    height, width = scaled if turns % 2 == 0 else scaled[::-1]  # of the picture that the point is in
    for _ in range(turns):  # undo one quarter turn
        y, x = x, height - 1 - y
        height, width = width, height
    half = Fraction(1, 2)
    down, across = (Fraction(old, new) for old, new in zip(original, scaled, strict=True))
    return (y + half) * down - half, (x + half) * across - half
