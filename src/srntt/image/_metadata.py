"""What travels with a picture beside its pixels, and what must be corrected on the way."""

import math
from dataclasses import dataclass
from typing import Any

from PIL import Image

__all__ = ["Metadata", "exif_for", "read_metadata", "read_orientation"]

_ORIENTATION, _WIDTH, _HEIGHT = 0x0112, 0x0100, 0x0101
_EXIF_IFD, _GPS_IFD, _INTEROP_IFD = 0x8769, 0x8825, 0xA005
_PIXEL_X, _PIXEL_Y = 0xA002, 0xA003
# First-IFD tags that describe the photograph. All others (strips, sample layout, colour primaries, thumbnail, XMP,
# Photoshop blocks) describe the old file, which in a TIFF share this directory.
_SIZE_TAGS = frozenset({_WIDTH, _HEIGHT, 0x011A, 0x011B, 0x0128})
_KEPT_TAGS = _SIZE_TAGS | frozenset(
    {0x010D, 0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x013C, 0x4746, 0x4749, 0x8298, 0x9C9B, 0x9C9C}
    | {0x9C9D, 0x9C9E, 0x9C9F}
)
_LARGEST = 16 * 2**20


@dataclass(frozen=True)
class Metadata:
    """What a picture's file said about it.

    Attributes:
        icc: ICC profile, byte for byte; it fits the picture (a grey profile for grey, RGB for colour).
        exif: EXIF block, with its "Exif" prefix. Orientation is already 1 and the thumbnail gone; the size tags are
            the source's until a picture is saved.
        dpi: horizontal and vertical pixels per inch.
        gamma: PNG's gAMA, where there is neither an ICC profile nor an sRGB mark.
        chromaticity: PNG's cHRM, likewise: white, red, green, blue, each x and y.
    """

    icc: bytes | None = None
    exif: bytes | None = None
    dpi: tuple[float, float] | None = None
    gamma: float | None = None
    chromaticity: tuple[float, ...] | None = None


def read_orientation(image: Image.Image) -> int:
    """EXIF orientation 1..8 that is still to be applied; 1 where there is none or it is nonsense."""
    if image.format == "JXL" and not getattr(image, "jpeg", False):
        return 1  # the codestream has its own, which the decoder has applied
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # a damaged block: read_metadata says so
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def read_metadata(image: Image.Image, *, gray: bool, converted: bool) -> tuple[Metadata, list[str]]:
    """Collects what travels, and says what was left behind.

    Args:
        image: a decoded picture.
        gray: its pixels are kept as grey.
        converted: its colours have been converted to sRGB, so that its own profile no longer describes them.
    """
    info, notes = image.info, []
    icc = None if converted else _fitting_icc(info.get("icc_profile"), gray, notes)
    untagged = not converted and icc is None and "srgb" not in info
    metadata = Metadata(
        icc=icc,
        exif=_clean_exif(image, notes),
        dpi=_sane_dpi(info.get("dpi")),
        gamma=_positive(info.get("gamma")) if untagged else None,
        chromaticity=_sane_chromaticity(info.get("chromaticity")) if untagged else None,
    )
    return metadata, notes


def _fitting_icc(icc: Any, gray: bool, notes: list[str]) -> bytes | None:
    if not icc or not isinstance(icc, bytes):
        return None
    if len(icc) > _LARGEST:
        notes.append(f"ICC profile of {len(icc):,} bytes dropped (more than 16 MiB)")
    elif len(icc) < 132 or icc[36:40] != b"acsp":
        notes.append("ICC profile dropped: it is damaged")
    elif icc[16:20] != (b"GRAY" if gray else b"RGB "):
        space = icc[16:20].decode("ascii", "replace").strip()
        notes.append(f"ICC profile dropped: it is for {space}, the picture is {'grey' if gray else 'RGB'}")
    else:
        return icc
    return None


def _clean_exif(image: Image.Image, notes: list[str]) -> bytes | None:
    try:
        exif = image.getexif()
        if not exif and image.info.get("exif"):
            notes.append("EXIF dropped: it is damaged or empty")
        fresh = Image.Exif()
        fresh.endian = exif.endian or "<"
        for tag in sorted(_KEPT_TAGS & set(exif)):
            fresh[tag] = exif[tag]
        for tag in (_EXIF_IFD, _GPS_IFD):
            if directory := dict(exif.get_ifd(tag)):
                if _INTEROP_IFD in directory:
                    directory[_INTEROP_IFD] = dict(exif.get_ifd(_INTEROP_IFD))
                fresh[tag] = directory
        if not set(fresh) - _SIZE_TAGS:
            return None
        if _ORIENTATION in exif:
            fresh[_ORIENTATION] = 1
        data = fresh.tobytes()
    except Exception as error:  # Pillow's parser raises whatever the damage leads it to
        notes.append(f"EXIF dropped: it is damaged ({type(error).__name__})")
        return None
    if len(data) > _LARGEST:
        notes.append(f"EXIF of {len(data):,} bytes dropped (more than 16 MiB)")
        return None
    return data


def exif_for(exif: bytes, width: int, height: int) -> Image.Exif:
    """The EXIF block of a picture of this size: the size tags that are there are corrected, none is added."""
    block = Image.Exif()
    block.load(exif)
    for tag, value in ((_WIDTH, width), (_HEIGHT, height)):
        if tag in block:
            block[tag] = value
    for tag in (_EXIF_IFD, _GPS_IFD):
        if tag in block:
            directory = dict(block.get_ifd(tag))
            if _INTEROP_IFD in directory:
                directory[_INTEROP_IFD] = dict(block.get_ifd(_INTEROP_IFD))
            directory.update({k: v for k, v in ((_PIXEL_X, width), (_PIXEL_Y, height)) if k in directory})
            block[tag] = directory
    return block


def _positive(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) and value > 0 else None


def _sane_dpi(dpi: Any) -> tuple[float, float] | None:
    try:
        x, y = (float(value) for value in dpi)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return (x, y) if 1 < x <= 65_535 and 1 < y <= 65_535 else None  # 1 is Pillow's "not stated" for TIFF


def _sane_chromaticity(values: Any) -> tuple[float, ...] | None:
    if not isinstance(values, tuple) or len(values) != 8:
        return None
    return tuple(float(v) for v in values) if all(_positive(v) is not None for v in values) else None
