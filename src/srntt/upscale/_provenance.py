"""Where each detail came from."""

from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from srntt._files import whole_file
from srntt._shapes import Bool, Float, Int
from srntt.match import Match, Window
from srntt.memory import cuts
from srntt.models import EncodedView
from srntt.upscale._references import picture_names

USED = 0.25  #: share above which the detail of a place counts as the reference's
_ROWS_AT_ONCE = 256


@dataclass(frozen=True, eq=False, repr=False)
class Provenance:
    """For each LR position, where in the references its detail came from and how much came.

    Where several references gave something, it is the place that gave most.

    Attributes:
        sources: names of the references.
        reference: index into ``sources``.
        y, x: place in that reference, in its pixels (0, 0 is the centre of the first).
        share: how far the model let the references in, all together: 0 not at all .. 1 fully. For the light models
            the mean opening of the gate that texture passes.
    """

    sources: tuple[str, ...]
    reference: Int[np.ndarray, "h w"]
    y: Float[np.ndarray, "h w"]
    x: Float[np.ndarray, "h w"]
    share: Float[np.ndarray, "h w"]

    def __repr__(self) -> str:
        height, width = self.share.shape
        return f"<Provenance of {width} x {height} positions; share of the references {self.share.mean():.2f}>"

    @property
    def used(self) -> Bool[np.ndarray, "h w"]:
        """Where references were used: the places with a ``share`` above 0.25."""
        return self.share > USED

    def shares(self) -> list[float]:
        """Of each reference, the part of all places whose detail came from it, 0 .. 1: those ``used``."""
        return [float((self.used & (self.reference == index)).mean()) for index in range(len(self.sources))]

    def save(self, path: str | PathLike[str], *, overwrite: bool = False) -> None:
        """Write it as .npz, whole or not at all: ``sources``, ``reference``, ``y``, ``x``, ``share``.

        Raises:
            OutputError: exists already, or cannot be written.
        """
        maps = {name: getattr(self, name) for name in ("reference", "y", "x", "share")}
        with whole_file(Path(path), overwrite=overwrite) as file:
            np.savez_compressed(file, sources=np.array(self.sources, dtype=np.str_), **maps)


def trace(match: Match, references: list[EncodedView], share: Float[np.ndarray, "k h w"], scale: int) -> Provenance:
    """Follow each match back to a pixel of the picture that the user gave, through the view that it lies in.

    Args:
        match: the candidates of every position.
        references: what it points into.
        share: how much of each position came through each candidate.
        scale: reference pixels for each position of the LR grid, along a side.
    """
    height, width = match.similarity.shape[1:]
    number = np.empty((height, width), np.int64)
    y, x, total = (np.empty((height, width), np.float32) for _ in range(3))
    for top, bottom in cuts(height, _ROWS_AT_ONCE):
        rows = Window(slice(top, bottom), slice(None))
        part = share[:, *rows]
        place, number[top:bottom] = _places(match.crop(rows), references, part, scale)
        y[top:bottom], x[top:bottom] = place.unbind(-1)
        total[top:bottom] = part.sum(0)
    return Provenance(picture_names(references), number, y, x, total)


def _places(
    match: Match, references: list[EncodedView], share: Float[np.ndarray, "k h w"], scale: int
) -> tuple[Float[Tensor, "h w 2"], Int[Tensor, "h w"]]:
    """Pixel of the picture that gave most, and its number."""
    main = torch.from_numpy(share.argmax(0))[None]
    reference = match.reference.cpu().take_along_dim(main, 0)[0]
    position = match.position.cpu().take_along_dim(main[..., None], 0)[0]
    place = position.double() * scale + (scale - 1) / 2  # from the LR grid to pixels of the view
    original, number = torch.zeros_like(place), torch.zeros_like(reference, dtype=torch.int64)
    for index, item in enumerate(references):
        here = reference == index
        if not here.any():
            continue
        original[here] = item.to_original(place[here])
        number[here] = item.number
    return original, number
