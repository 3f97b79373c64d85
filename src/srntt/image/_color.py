"""Converts colours by their ICC profiles: to sRGB, where a profile is left out or cannot be stored, or to another's."""

from dataclasses import replace
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

from srntt._shapes import UInt8
from srntt.errors import InputError
from srntt.image._picture import Picture

_CLOSE = 2  # levels of 255: profiles of one space by different makers differ by their rounding


def without_profile(picture: Picture) -> tuple[Picture, tuple[str, ...]]:
    """The same colours in sRGB, with no profile; unchanged where its profile cannot be left out. Also returns notes."""
    icc = picture.metadata.icc
    plain = replace(picture, metadata=replace(picture.metadata, icc=None))
    try:
        if _alike(icc, None, picture.is_gray):
            return plain, ()
        if picture.bits > 8:
            return picture, ("ICC profile kept: colours of 16 bits cannot be converted to sRGB without loss",)
        color = _converted(picture.color, icc, None)
    except (ImageCms.PyCMSError, OSError) as error:
        return picture, (f"ICC profile kept: it cannot be converted to sRGB ({error})",)
    return replace(plain, color=color), ("colours converted to sRGB, and the ICC profile dropped",)


def in_colors_of(picture: Picture, like: Picture) -> Picture:
    """The picture converted from its colour profile to that of another; one without a profile is sRGB.

    It is unchanged if both profiles describe the same colours.

    Raises:
        InputError: the profiles differ and cannot be converted: grey, 16 bits, or an invalid profile.
    """
    own, wanted = picture.metadata.icc, like.metadata.icc
    gray, same_kind = picture.is_gray, picture.is_gray == like.is_gray
    if own == wanted or (not same_kind and None in (own, wanted)):
        return picture
    try:
        if gray and same_kind and None in (own, wanted):
            raise ImageCms.PyCMSError("a grey profile, and none")
        if same_kind and _alike(own, wanted, gray):
            return picture
        if picture.bits > 8 or not same_kind:
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


def through_lcms(image: Image.Image, own: bytes | str | None, wanted: bytes | None, mode: str) -> Image.Image:
    """Converts an image between profiles: those of a file, the name of one of Pillow's, or None for sRGB.

    Raises:
        PyCMSError: a profile is damaged, or not one for such pictures.
    """
    source, target = (
        BytesIO(icc) if isinstance(icc, bytes) else ImageCms.createProfile(icc or "sRGB")  # pyright: ignore
        for icc in (own, wanted)
    )
    converted = ImageCms.profileToProfile(
        image,
        source,
        target,
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        outputMode=mode,
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    assert converted is not None
    return converted


def _alike(own: bytes | None, wanted: bytes | None, gray: bool) -> bool:
    """Whether two profiles give colours from the whole RGB cube, or all greys, the same values."""
    steps = np.linspace(0, 255, 9).astype(np.uint8)
    probe = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(1, -1, 3)
    if gray:
        probe = np.arange(256, dtype=np.uint8)[None, :, None]
    return int(np.abs(_converted(probe, own, wanted).astype(int) - probe).max()) <= _CLOSE


def _converted(
    color: UInt8[np.ndarray, "h w c"], own: bytes | None, wanted: bytes | None
) -> UInt8[np.ndarray, "h w c"]:
    channels = color.shape[2]
    image = Image.fromarray(color[:, :, 0] if channels == 1 else color)
    pixels = np.asarray(through_lcms(image, own, wanted, "L" if channels == 1 and wanted else "RGB"))
    return np.ascontiguousarray(np.atleast_3d(pixels)[:, :, :channels])
