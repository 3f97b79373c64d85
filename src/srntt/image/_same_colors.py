"""Converts a picture to the colour space of another, so that their samples can be compared and added."""

from dataclasses import replace
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

from srntt.errors import InputError
from srntt.image._picture import Picture

__all__ = ["in_colors_of"]

_CLOSE = 2  # levels of 255: profiles of one space by different makers differ by their rounding


def in_colors_of(picture: Picture, like: Picture) -> Picture:
    """The picture converted from its colour profile to that of another; one without a profile is sRGB.

    Args:
        picture: to convert.
        like: the picture with the target profile.

    Returns:
        the picture, unchanged if both profiles describe the same colours.

    Raises:
        InputError: the profiles differ and cannot be converted: grey, 16 bits, or an invalid profile.
    """
    own, wanted = picture.metadata.icc, like.metadata.icc
    if own == wanted or (picture.is_gray != like.is_gray and None in (own, wanted)):
        return picture
    try:
        probe = _probe(picture.is_gray)
        if picture.is_gray == like.is_gray and _difference(_converted(probe, own, wanted), probe) <= _CLOSE:
            return picture
        if picture.bits > 8 or picture.is_gray != like.is_gray:
            raise InputError(
                f"{picture.source} and {like.source} have different colour profiles, and "
                f"{'16 bits' if picture.bits > 8 else 'grey'} cannot be converted from one to the other here. "
                "Save both with the same profile."
            )
        color = _converted(picture.color, own, wanted)
    except (ImageCms.PyCMSError, OSError) as error:
        raise InputError(
            f"The colour profiles of {picture.source} and {like.source} differ, and cannot be converted ({error}). "
            "Save both with the same profile."
        ) from error
    return replace(picture, color=color, metadata=replace(picture.metadata, icc=wanted))


def _probe(gray: bool) -> np.ndarray:
    """Colours from the whole RGB cube."""
    if gray:
        return np.arange(256, dtype=np.uint8)[None, :, None]
    steps = np.linspace(0, 255, 9).astype(np.uint8)
    return np.ascontiguousarray(np.stack(np.meshgrid(steps, steps, steps), -1).reshape(1, -1, 3))


def _difference(a: np.ndarray, b: np.ndarray) -> int:
    return int(np.abs(a.astype(int) - b).max())


def _converted(color: np.ndarray, own: bytes | None, wanted: bytes | None) -> np.ndarray:
    gray = color.shape[2] == 1
    mode = "L" if gray else "RGB"
    if gray and None in (own, wanted):
        raise ImageCms.PyCMSError("a grey profile, and none")
    converted = ImageCms.profileToProfile(
        Image.fromarray(color[:, :, 0] if gray else color),
        _profile(own),
        _profile(wanted),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        outputMode=mode,
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    assert converted is not None
    pixels = np.asarray(converted)
    return np.ascontiguousarray(pixels[:, :, None] if gray else pixels)


def _profile(icc: bytes | None) -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB") if icc is None else BytesIO(icc))
