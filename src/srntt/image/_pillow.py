"""Converts a picture to a Pillow image with its metadata."""

import numpy as np
from PIL import Image

from srntt.image._carried import carried
from srntt.image._formats import FORMATS
from srntt.image._picture import Picture

__all__ = ["to_pillow"]


def to_pillow(picture: Picture, mode: str | None = None) -> Image.Image:
    """The picture as an image, with ICC profile, EXIF, XMP and resolution in its ``info``, corrected for its size.

    Args:
        picture: 16-bit colour is reduced to 8 bits, the most that Pillow supports.
        mode: of the image that the picture came from: ``I;16``, ``I`` and ``F`` are returned in that mode,
            with their values.
    """
    ready = carried(picture, FORMATS[0], strip=False)
    image = Image.fromarray(_pixels(picture, mode))
    known = {
        "icc_profile": ready.metadata.icc,
        "exif": ready.exif,
        "xmp": ready.metadata.xmp,
        "dpi": ready.metadata.dpi,
    }
    image.info.update({name: value for name, value in known.items() if value})
    return image


def _pixels(picture: Picture, mode: str | None) -> np.ndarray:
    if picture.is_gray and picture.alpha is None and mode is not None:
        if mode.startswith("I;16") and picture.bits == 16:
            return np.ascontiguousarray(picture.color[:, :, 0])
        if mode in ("I", "F") and picture.levels:
            return picture.values()[:, :, 0].astype(np.int32 if mode == "I" else np.float32)
    pixels = picture.to_8bit().interleaved()
    return np.ascontiguousarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
