"""Turned and scaled copies of a reference, for matching textures that occur at another angle or size."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from srntt._shapes import Float
from srntt.errors import InputError

_MULTIPLE = 4
"""References are cropped to a multiple of this, so that every feature level has whole positions."""


@dataclass(frozen=True, eq=False)
class ReferenceCopy:
    """A copy of a reference and the way back.

    Attributes:
        picture: RGB in [0, 1].
        turns: Quarter turns, counterclockwise, after scaling.
        height: Size of the original picture.
        width: Size of the original picture.
        scaled_height: Size of the scaled picture, before turning and cropping.
        scaled_width: Size of it.
    """

    picture: Float[Tensor, "3 h w"]
    turns: int
    height: int
    width: int
    scaled_height: int
    scaled_width: int

    def to_original(self, y: Float[Tensor, "..."], x: Float[Tensor, "..."]) -> tuple[Tensor, Tensor]:
        """Where in the original picture a point of this copy is; pixel centres are whole numbers in both.

        For the centre of a feature position of stride s pass ``s * position + (s - 1) / 2``.
        """
        last_y, last_x = self.scaled_height - 1, self.scaled_width - 1
        turned_back = ((y, x), (x, last_x - y), (last_y - y, last_x - x), (last_y - x, y))
        y, x = turned_back[self.turns]
        y = (y + 0.5) * (self.height / self.scaled_height) - 0.5
        x = (x + 0.5) * (self.width / self.scaled_width) - 0.5
        return y, x


def augment_references(
    picture: Float[Tensor, "3 H W"], *, turns: Sequence[int] = (0, 1, 2, 3), scales: Sequence[float] = (1.0, 0.5)
) -> list[ReferenceCopy]:
    """Copies of a reference in each of the given scales and quarter turns (paper, section 3.1; absent in its code).

    Pass the features of all copies to ``dense_match`` as keys; they compete with each other. Each copy is cropped at
    the bottom and right to a multiple of 4. Scaling is bicubic, with antialiasing where it shrinks.

    Args:
        picture: RGB in [0, 1].
        turns: Quarter turns, counterclockwise.
        scales: Factors of size; put 1.0 first so that of equally good patches the original one wins.

    Returns:
        The copies, all turns of the first scale first.

    Raises:
        InputError: A turn that is not 0..3, a scale not above 0, or one that leaves less than 4x4 pixels.

    Example:
        >>> import torch
        >>> copies = augment_references(torch.rand(3, 50, 30), scales=(1.0,))
        >>> [tuple(copy.picture.shape[1:]) for copy in copies]
        [(48, 28), (28, 48), (48, 28), (28, 48)]
    """
    if not set(turns) <= {0, 1, 2, 3}:
        raise InputError(f"turns={tuple(turns)}: quarter turns are 0, 1, 2 or 3.")
    _, height, width = picture.shape
    # PAPER: the paper scales and rotates references, the released code does not; here it is the caller's choice.
    copies = []
    for scale in scales:
        scaled = _resize(picture, scale)
        for turn in turns:
            turned = torch.rot90(scaled, turn, (1, 2))
            rows, columns = (size // _MULTIPLE * _MULTIPLE for size in turned.shape[1:])
            cropped = turned[:, :rows, :columns].contiguous()
            copies.append(ReferenceCopy(cropped, turn, height, width, scaled.shape[1], scaled.shape[2]))
    return copies


def _resize(picture: Float[Tensor, "3 H W"], scale: float) -> Float[Tensor, "3 h w"]:
    _, height, width = picture.shape
    size = (round(height * scale), round(width * scale))
    if min(size) < _MULTIPLE:
        raise InputError(
            f"scale {scale} makes a {height}x{width} reference {size[0]}x{size[1]}; at least {_MULTIPLE}x{_MULTIPLE} "
            "pixels must remain: leave this scale out."
        )
    if size == (height, width):
        return picture
    return F.interpolate(picture[None], size, mode="bicubic", antialias=True)[0].clamp(0.0, 1.0)
