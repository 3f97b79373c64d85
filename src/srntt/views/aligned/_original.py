"""A reference as it came, kept until the small picture is known."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from srntt._shapes import Bool, Shaped
from srntt.image import Picture, to_pixels
from srntt.views._detail import rectangles
from srntt.views._view import View
from srntt.views.aligned._costs import finding_bytes
from srntt.views.aligned._keypoints import ReferenceFeatures, find_features
from srntt.views.aligned._margins import filled

_FILLED = 20  # bytes of a pixel: what is shown, distances, labels, the pixel of each label and of each pixel


@dataclass(frozen=True, eq=False)
class Original:
    """What aligned views of a reference are made from.

    Attributes:
        number: of the reference, among those given.
        source: name of that picture.
        pixels: at full size, grey or RGB; uint8 or uint16.
        first: the same under the name that it came with, which keeps the keypoints for all others.
    """

    number: int
    source: str
    pixels: Shaped[np.ndarray, "H W c"]
    first: "Original | None" = None

    @classmethod
    def of(cls, number: int, picture: Picture) -> "Original":
        """That of a picture; what is transparent takes the colour of what is near it."""
        pixels = picture.color if picture.opaque else to_pixels(picture.rgb(), bits=picture.bits)
        return cls(number, picture.source, pixels)

    def named(self, number: int, source: str) -> "Original":
        """The same under another number and name; its keypoints are found once for both."""
        return Original(number, source, self.pixels, self.first or self)

    @cached_property
    def features(self) -> ReferenceFeatures:
        """Its keypoints, found when they are first asked for."""
        return self.first.features if self.first else find_features(self.pixels)

    @cached_property
    def filled(self) -> Shaped[np.ndarray, "H W c"]:
        """Its pixels, where margins have the colour of what is next to them."""
        return self.first.filled if self.first else filled(self.pixels, self.features.shown)

    def continuous(self, view: View, larger: float, scale: int) -> Bool[Tensor, "h w"] | None:
        """Where a view of it shows what does not consist of rectangles; None: everywhere.

        Args:
            view: of it, in which rectangles may have become blurred.
            larger: pixels of the reference for one of the low-res picture. Of these, about as many as the view has are
                looked at, so that rectangles which the view reduces to less than its pixels do not count.
            scale: pixels of the view for a position.
        """
        step = max(1, int(larger / scale))
        known = (self.first or self)._rectangles
        if (scale, step) not in known:
            known[scale, step] = rectangles(self.pixels[::step, ::step], scale)
        if not (blocks := known[scale, step]).any():
            return None
        height, width = (extent // scale for extent in view.size)
        rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        points = view.to_original(torch.stack([rows, columns], -1).double() * scale + (scale - 1) / 2) / (scale * step)
        y, x = (at.long().clamp(0, size - 1) for at, size in zip(points.unbind(-1), blocks.shape, strict=True))
        return ~blocks[y, x]

    @cached_property
    def _rectangles(self) -> dict[tuple[int, int], Bool[Tensor, "h w"]]:
        return {}

    @property
    def finding_bytes(self) -> int:
        """Memory that its features take while they are found; 0 once they are."""
        return 0 if "features" in vars(self.first or self) else finding_bytes(self.pixels.shape[:2])

    @property
    def filling_bytes(self) -> int:
        """Memory that filling its margins takes; 0 where it has none, or they are filled."""
        first, (height, width) = self.first or self, self.pixels.shape[:2]
        done = "filled" in vars(first) or first.features.shown.all()
        return 0 if done else self.pixels.nbytes + _FILLED * height * width
