"""Influence of references: strength, and protected places."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from srntt import image
from srntt._numbers import as_number
from srntt._shapes import Bool, Float
from srntt.errors import InputError
from srntt.image import Limits, Picture, Source
from srntt.match import Window

Box = tuple[int, int, int, int]
"""x, y, width and height in pixels of the low-res picture."""

_WHITE = 0.5  # brightness from which a pixel of a mask is protected


@dataclass(frozen=True, eq=False)
class Influence:
    """Influence of references at each LR position.

    Attributes:
        strength: Strength of the references, from 0 (none) to 1; 0 in protected places.
        protected: Where the output is exactly that without references.
    """

    strength: Float[Tensor, "h w"]
    protected: Bool[Tensor, "h w"]

    @classmethod
    def of(
        cls,
        source: Picture,
        strength: float | int,
        protect: Iterable[Source | Box],
        *,
        invert: bool = False,
        limits: Limits = Limits(),  # noqa: B008 (frozen)
    ) -> "Influence | None":
        """Create the influence from options; None if references are used everywhere with full strength.

        Args:
            source: Low-res picture.
            strength: Strength of the references, from 0 to 1.
            protect: Boxes, and masks of any size that cover the whole picture; positions that are at least partly
                white in a mask are protected.
            invert: Protect all other places instead.
            limits: Limits on reading masks.

        Raises:
            InputError: The strength is out of range, `protect` is not a list, or a box is outside the picture.
            PictureError: A mask is not a complete picture.
        """
        check_strength(strength)
        if isinstance(protect, Source):
            raise InputError("protect is one mask; give a list of masks and boxes: protect=[mask].")
        if not isinstance(protect, Iterable):
            raise InputError(f"protect is {protect!r}; give a list of masks and boxes.")
        given = list(protect)
        if invert and not given:
            raise InputError("protect_invert needs a mask or a box: the places where references are used.")
        if strength == 1 and not given:
            return None
        protected = torch.zeros(source.height, source.width, dtype=torch.bool)
        for each in given:
            protected |= _box(source, each) if isinstance(each, tuple) else _mask(source, each, limits)
        protected = ~protected if invert else protected
        return cls(torch.where(protected, 0.0, float(strength)), protected)

    @property
    def protects(self) -> bool:
        """Whether any place is protected."""
        return bool(self.protected.any())

    def crop(self, window: Window) -> "Influence":
        """Return the part within a window."""
        return Influence(self.strength[*window], self.protected[*window])

    def resized(self, height: int, width: int) -> "Influence":
        """Resize to another size of the picture; positions that overlap a protected one are protected."""
        protected = _reaching(self.protected.float(), height, width)
        strength = F.interpolate(self.strength[None, None], size=(height, width), mode="nearest-exact")[0, 0]
        return Influence(torch.where(protected, 0.0, strength), protected)

    def keep(self, made: Float[Tensor, "3 H W"], alone: Float[Tensor, "3 H W"]) -> Float[Tensor, "3 H W"]:
        """Replace protected places of an output by those of the output without references."""
        scale = made.shape[1] // self.protected.shape[0]
        where = self.protected.to(made.device).repeat_interleave(scale, 0).repeat_interleave(scale, 1)
        return torch.where(where, alone, made)


def check_strength(strength: float | int) -> None:
    """Raise InputError unless the strength is from 0 to 1."""
    given = as_number(strength)
    if given is None or not 0 <= given <= 1:
        shown = repr(strength) if given is None else given
        raise InputError(f"strength {shown}: give 0 (references are not used) to 1 (as the model decides).")


def _box(source: Picture, box: Box) -> Bool[Tensor, "h w"]:
    if len(box) != 4:
        raise InputError(f"{box} is not a box: give four whole numbers, (x, y, width, height).")
    x, y, width, height = box
    inside = width > 0 and height > 0 and x < source.width and y < source.height and x + width > 0 and y + height > 0
    if not inside:
        raise InputError(
            f"The box {x},{y},{width},{height} (x, y, width, height) is outside the picture of {source.width} x "
            f"{source.height} pixels."
        )
    protected = torch.zeros(source.height, source.width, dtype=torch.bool)
    protected[max(0, y) : y + height, max(0, x) : x + width] = True
    return protected


def _mask(source: Picture, mask: Source, limits: Limits) -> Bool[Tensor, "h w"]:
    if isinstance(mask, np.ndarray) and mask.dtype == bool:
        mask = mask.astype(np.uint8) * 255
    return _reaching(image.load(mask, limits=limits).rgb().mean(0), source.height, source.width)


def _reaching(mask: Float[Tensor, "_ _"], height: int, width: int) -> Bool[Tensor, "h w"]:
    """Return the positions of a grid that overlap white parts of a mask."""
    white = (mask >= _WHITE).float()
    return F.adaptive_max_pool2d(white[None], (height, width))[0] > 0
