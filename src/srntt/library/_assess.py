"""What a photograph would add to a small picture: by its geometry, and by the detail that it has there."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from srntt._shapes import Bool, Float
from srntt.image import Picture
from srntt.library._found import Choice
from srntt.views import find_detail
from srntt.views.aligned import AlignedView, Original, Placement, TargetFeatures, place

_BAND, _POSITIONS = 48, 2**17  # rows and positions of the small picture that are looked at; larger ones are sampled
_FRAME, _TURN = 0.003, 0.2  # by which width and height, and degrees, of a copy may differ; other views differ by 0.01
_SAME, _MOST = 0.9, 0.7  # correlation at that share of the places: the same moment; of copies, 73 % or more have it


class Assessed(NamedTuple):
    """A photograph of the same scene.

    Attributes:
        choice: What it is, if it is chosen.
        adds: Where it has detail that the small picture lacks, in some rows of it.
    """

    choice: Choice
    adds: Bool[np.ndarray, "a b"]

    @property
    def is_copy(self) -> bool:
        """Whether it is the same exposure in the same frame, larger or not, and not another photograph of the scene."""
        placed = self.choice.placement
        times = [extent / placed.scale / own for extent, own in zip(placed.reference, placed.size, strict=True)]
        in_frame = all(abs(ratio - 1) < _FRAME for ratio in times) and abs(placed.turn) < _TURN
        return bool(in_frame and (placed.correlation > _SAME).mean() > _MOST)


def what_it_adds(
    target: TargetFeatures, picture: Picture, scale: int = 4
) -> tuple[Placement, Bool[np.ndarray, "a b"]] | None:
    """Place a photograph, and find where it is sharper; None if no geometry is found.

    Args:
        target: Small picture.
        picture: The photograph.
        scale: Pixels of the output for one of the small picture.
    """
    original = Original.of(0, picture)
    placement = place(target, original.features)
    if placement is None:
        return None
    view = AlignedView(original.filled, placement, scale)
    valid, height = view.valid(), target.size[0]
    bands = [(top, min(top + _BAND, height)) for top in _tops(*target.size)]
    adds = [_added(view.rgb(top * scale, end * scale), valid[top:end], scale) for top, end in bands]
    return placement, torch.cat(adds).numpy()


def _added(band: Float[Tensor, "3 H W"], valid: Bool[Tensor, "h w"], scale: int) -> Bool[Tensor, "h w"]:
    detail = find_detail(band, scale)
    return valid & detail.is_textured & detail.is_lost


def _tops(height: int, width: int) -> list[int]:
    """First rows of bands, evenly spread; all rows of a picture that is not large."""
    count = -(-height // _BAND)
    most = max(1, _POSITIONS // (width * _BAND))
    if count <= most:
        return list(range(0, height, _BAND))
    return np.linspace(0, height - _BAND, most).round().astype(int).tolist()
