"""Converts colours to sRGB where their ICC profile is left out or cannot be stored."""

from dataclasses import replace
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

from srntt.image._picture import Picture

__all__ = ["without_profile"]

_CLOSE = 2  # levels of 255: profiles of sRGB by different makers differ by their rounding


def without_profile(picture: Picture) -> tuple[Picture, tuple[str, ...]]:
    """The same colours in sRGB, with no profile.

    Returns:
        the picture (unchanged where its profile cannot be left out) and notes.
    """
    icc = picture.metadata.icc
    if icc is None:
        return picture, ()
    plain = replace(picture, metadata=replace(picture.metadata, icc=None))
    try:
        if _same_as_srgb(icc, picture.is_gray):
            return plain, ()
        if picture.bits > 8:
            return picture, ("ICC profile kept: colours of 16 bits cannot be converted to sRGB without loss",)
        color = _converted(picture.color, icc)
    except (ImageCms.PyCMSError, OSError) as error:
        return picture, (f"ICC profile kept: it cannot be converted to sRGB ({error})",)
    return replace(plain, color=color), ("colours converted to sRGB, and the ICC profile dropped",)


def _same_as_srgb(icc: bytes, gray: bool) -> bool:
    steps = np.linspace(0, 255, 9).astype(np.uint8)
    if gray:
        probe = np.arange(256, dtype=np.uint8)[None, :, None]
    else:
        probe = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(1, -1, 3)
    return int(np.abs(_converted(np.ascontiguousarray(probe), icc).astype(int) - probe).max()) <= _CLOSE


def _converted(color: np.ndarray, icc: bytes) -> np.ndarray:
    gray = color.shape[2] == 1
    image = Image.fromarray(color[:, :, 0] if gray else color)
    profile = ImageCms.ImageCmsProfile(BytesIO(icc))
    srgb = ImageCms.createProfile("sRGB")
    converted = ImageCms.profileToProfile(
        image,
        profile,
        srgb,
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        outputMode="RGB",
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    assert converted is not None
    pixels = np.asarray(converted)
    return np.ascontiguousarray(pixels[:, :, :1] if gray else pixels)
