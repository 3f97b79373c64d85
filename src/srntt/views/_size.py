"""At which size a reference is searched that shows the same kind of thing, but not the same scene."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from srntt._shapes import Float, Shaped
from srntt.features import Description
from srntt.image import enlarge, reduce, resize_bicubic, unit_floats
from srntt.views._nearest import in_steps, nearest

REDUCTIONS = (1, 2, 3)
"""By which a reference may be reduced; 1 is unchanged."""

_LEAST, _MARGIN = 0.2, 0.05  # correlation that a reduction must reach, and by which it must beat the unchanged one
_PIECE, _PIECES = 64, 3  # LR pixels of a side of the pieces that are looked at, and of those along each side
_SMALLEST = 8  # LR pixels of a side of a piece
_QUERIES, _KEYS = 2048, 4096

Describe = Callable[[Float[Tensor, "b 3 h w"]], Description]
"""What a model matches of pictures on the LR grid."""


def choose_reduction(
    low_res: Float[Tensor, "3 h w"], reference: Shaped[np.ndarray, "H W c"], scale: int, describe: Describe
) -> int:
    """Return the factor by which a reference is reduced so that its texture fits a small picture; 1 if that is unclear.

    The small picture is in [0, 1], ``reference`` as stored, and ``scale`` the factor of the model.
    The small picture is halved and given its finest octave back from the reference, by matching, at each size of the
    reference. What comes back is compared with what was there: the size with the highest correlation is right.
    """
    # PAPER: references at several scales are all searched; here the one that fits is chosen.
    looked_at = _pieces(low_res.permute(1, 2, 0).contiguous().numpy(), 1)
    if looked_at is None:
        return 1
    wanted = _Octave.of(looked_at, describe, _QUERIES)
    scores = {}
    for times in REDUCTIONS:
        pieces = _pieces(reference, scale * times)
        scores[times] = -1.0 if pieces is None else wanted.restored_by(_Octave.of(pieces, describe, _KEYS))
    best = max(REDUCTIONS, key=lambda times: scores[times])
    return best if scores[best] > max(_LEAST, scores[1] + _MARGIN) else 1


class _Octave(NamedTuple):
    """Blocks of the finest octave of pictures on the LR grid, and what describes them without it."""

    vectors: Float[Tensor, "n d"]
    contrast: Float[Tensor, " n"]
    blocks: Float[Tensor, "n 4"]

    @classmethod
    def of(cls, pieces: Float[Tensor, "b 3 h w"], describe: Describe, most: int) -> "_Octave":
        """At most so many places, evenly spread."""
        halves = reduce(pieces, 2)
        described = describe(halves)
        octave = F.pixel_unshuffle((pieces - enlarge(halves, 2)).mean(1, keepdim=True), 2)
        maps = (in_steps(described.descriptor.cpu()), described.contrast.cpu(), octave)
        vectors, contrast, blocks = (x.movedim(1, -1).flatten(0, 2) for x in maps)
        chosen = torch.linspace(0, len(vectors) - 1, min(most, len(vectors))).round().long()
        return cls(vectors[chosen], contrast[chosen, 0], blocks[chosen])

    def restored_by(self, other: "_Octave") -> float:
        """Correlation of the octave with what another has at the best match of each place, -1 .. 1."""
        index = nearest(self.vectors.T, other.vectors.T)
        gain = self.contrast / other.contrast[index]
        mine, theirs = self.blocks.double(), (other.blocks[index] * gain[:, None]).double()
        energy = float(mine.square().sum() * theirs.square().sum())
        return float((mine * theirs).sum()) / energy**0.5 if energy > 0 else -1.0


def _pieces(pixels: Shaped[np.ndarray, "H W c"], step: int) -> Float[Tensor, "b 3 h w"] | None:
    """Pieces of a picture, evenly spread, on the grid on which ``step`` of its pixels are one; None if it has none."""
    height, width = pixels.shape[:2]
    down, across = (min(_PIECE, extent // step) // 2 * 2 for extent in (height, width))
    if min(down, across) < _SMALLEST:
        return None
    rows, columns = _starts(height, down * step), _starts(width, across * step)
    cut = (pixels[y : y + down * step, x : x + across * step] for y in rows for x in columns)
    return torch.cat([_resized(piece, (down, across)) for piece in cut])


def _resized(pixels: Shaped[np.ndarray, "H W c"], size: tuple[int, int]) -> Float[Tensor, "1 3 h w"]:
    picture = torch.from_numpy(unit_floats(pixels)).permute(2, 0, 1)[None]
    resized = picture if pixels.shape[:2] == size else resize_bicubic(picture, size).clamp_(0, 1)
    return resized.expand(1, 3, -1, -1)


def _starts(extent: int, piece: int) -> list[int]:
    count = min(_PIECES, -(-extent // piece))
    return np.linspace(0, extent - piece, count).round().astype(int).tolist()
