"""A reference as it came, kept until the small picture is known."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from torch import Tensor

from srntt._shapes import Bool, Shaped
from srntt.image import Picture, to_pixels
from srntt.views._detail import rectangles
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

    def rectangles(self, scale: int) -> Bool[Tensor, "h w"]:
        """Where it consists of rectangles of pixels, on a grid ``scale`` times coarser."""
        known = (self.first or self)._rectangles
        if scale not in known:
            known[scale] = rectangles(self.pixels, scale)
        return known[scale]

    @cached_property
    def _rectangles(self) -> dict[int, Bool[Tensor, "h w"]]:
        return {}

    @property
    def picture(self) -> Picture:
        """It as a picture."""
        return Picture(np.ascontiguousarray(self.pixels), source=self.source)

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

    @property
    def bytes(self) -> int:
        """Memory that the pixels take."""
        return self.pixels.nbytes
