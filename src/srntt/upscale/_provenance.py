"""Provenance: origin of the detail at each position."""

from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from srntt._files import whole_file
from srntt._shapes import Bool, Float, Int, Int64
from srntt.match import Match, Window
from srntt.memory import cuts
from srntt.models import EncodedView

USED = 0.25  #: share above which the detail of a position is attributed to a reference
_USED_BY_MODEL = {"lite-real": 0.5}  # it takes a little of nearly every reference: docs/serve.md
_ROWS_AT_ONCE = 256


@dataclass(frozen=True, eq=False, repr=False)
class Provenance:
    """For each LR position, the position in a reference that contributed most, and the share of references.

    Attributes:
        sources: Names of the references.
        reference: Index into ``sources``.
        y, x: Position in that reference, in pixels; (0, 0) is the centre of the first pixel.
        share: Share of all references together, from 0 (none) to 1. For light models, the mean value of the gate that
            controls textures.
        level: Share above which a position is ``used``: 0.25, and 0.5 for the model ``lite-real``.
    """

    sources: tuple[str, ...]
    reference: Int[np.ndarray, "h w"]
    y: Float[np.ndarray, "h w"]
    x: Float[np.ndarray, "h w"]
    share: Float[np.ndarray, "h w"]
    level: float = USED

    def __repr__(self) -> str:
        height, width = self.share.shape
        return f"<Provenance of {width} x {height} positions; share of the references {self.share.mean():.2f}>"

    @property
    def used(self) -> Bool[np.ndarray, "h w"]:
        """Positions where references were used: those with a ``share`` above ``level``."""
        return self.share > self.level

    def shares(self) -> list[float]:
        """Return for each reference the fraction of positions with detail from it, 0 .. 1, among those ``used``."""
        return [float((self.used & (self.reference == index)).mean()) for index in range(len(self.sources))]

    def save(self, path: str | PathLike[str], *, overwrite: bool = False) -> None:
        """Write ``sources``, ``reference``, ``y``, ``x`` and ``share`` to an .npz file, atomically.

        Raises:
            OutputError: The file exists already or cannot be written.
        """
        maps = {name: getattr(self, name) for name in ("reference", "y", "x", "share")}
        with whole_file(Path(path), overwrite=overwrite) as file:
            np.savez_compressed(file, sources=np.array(self.sources, dtype=np.str_), **maps)


def places_behind(pixels: tuple[int, ...], places: tuple[int, ...]) -> list[Int64[np.ndarray, "_"]]:
    """Return row and column of the position behind each pixel of a picture, by its size and that of the grid."""
    return [np.arange(many) * few // many for many, few in zip(pixels, places, strict=True)]


def used_level(model: str) -> float:
    """Return the share above which a position counts as used, by the name of the model."""
    return _USED_BY_MODEL.get(model, USED)


def trace(
    match: Match,
    views: list[EncodedView],
    sources: tuple[str, ...],
    share: Float[np.ndarray, "k h w"],
    scale: int,
    level: float,
) -> Provenance:
    """Map each match back through its view, one of those searched, to a pixel of the original reference.

    ``sources`` are the names of all references, ``scale`` the pixels of a view per position of the LR grid.
    """
    height, width = match.similarity.shape[1:]
    number = np.empty((height, width), np.int64)
    y, x, total = (np.empty((height, width), np.float32) for _ in range(3))
    for top, bottom in cuts(height, _ROWS_AT_ONCE):
        rows = Window(slice(top, bottom), slice(None))
        part = share[:, *rows]
        place, number[top:bottom] = _places(match.crop(rows), views, part, scale)
        y[top:bottom], x[top:bottom] = place.unbind(-1)
        total[top:bottom] = part.sum(0)
    return Provenance(sources, number, y, x, total, level)


def _places(
    match: Match, views: list[EncodedView], share: Float[np.ndarray, "k h w"], scale: int
) -> tuple[Float[Tensor, "h w 2"], Int[Tensor, "h w"]]:
    """Return the pixel that contributed most at each position, and the number of its reference."""
    main = torch.from_numpy(share.argmax(0))[None]
    reference = match.reference.cpu().take_along_dim(main, 0)[0]
    position = match.position.cpu().take_along_dim(main[..., None], 0)[0]
    place = position.double() * scale + (scale - 1) / 2  # from the LR grid to pixels of the view
    original, number = torch.zeros_like(place), torch.zeros_like(reference, dtype=torch.int64)
    for index, item in enumerate(views):
        here = reference == index
        if not here.any():
            continue
        original[here] = item.to_original(place[here])
        number[here] = item.number
    return original, number
