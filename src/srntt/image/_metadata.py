"""Metadata that is kept with a picture."""

import math
from dataclasses import dataclass, field
from typing import Any

from srntt.image._facts import Facts
from srntt.image.tiff._directory import Directory
from srntt.image.tiff._exif import kept_exif
from srntt.image.tiff._tags import described_by_program, kept_tags

_LARGEST = 16 * 2**20
_RESOLUTION_TAGS = frozenset({282, 283, 296})
_DESCRIPTION = 270


@dataclass(frozen=True)
class Metadata:
    """Metadata of a picture's file.

    Attributes:
        icc: ICC profile, byte for byte; it matches the picture (grey or RGB).
        exif: EXIF block, with its "Exif" prefix. Orientation is 1 and the thumbnail is removed; sizes and resolution
            are those of the source until the picture is saved.
        dpi: horizontal and vertical pixels per inch of the source.
        gamma: PNG's gAMA, if there is neither an ICC profile nor an sRGB chunk.
        chromaticity: PNG's cHRM, likewise: white, red, green, blue, each x and y.
        cicp: colour primaries and transfer characteristics of ITU-T H.273, if other than sRGB.
        xmp: packet; orientation and sizes in it are those of the source until the picture is saved.
        iptc: data set.
        texts: of a PNG: keyword and text.
        comment: of a JPEG.
        tiff: tags that only TIFF has.
        size: width and height of the source, with its orientation applied.
        lossless: the source was encoded without loss.
        page: number in the source, from 1, and number of pages.
        jpeg_quality: 1..100, if the source is a JPEG.
    """

    icc: bytes | None = None
    exif: bytes | None = None
    dpi: tuple[float, float] | None = None
    gamma: float | None = None
    chromaticity: tuple[float, ...] | None = None
    cicp: tuple[int, int] | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    texts: tuple[tuple[str, str], ...] = ()
    comment: bytes | None = None
    tiff: Directory | None = None
    size: tuple[int, int] | None = field(default=None, compare=False)
    lossless: bool = field(default=False, compare=False)
    page: tuple[int, int] = field(default=(1, 1), compare=False)
    jpeg_quality: float | None = field(default=None, compare=False)

    def factors(self, width: int, height: int) -> tuple[float, float]:
        """Horizontal and vertical ratio of a picture's size to the source's; 1 if the source is unknown."""
        return (width / self.size[0], height / self.size[1]) if self.size else (1.0, 1.0)


def metadata_of(
    facts: Facts, *, size: tuple[int, int], gray: bool, converted: bool, page: tuple[int, int] = (1, 1)
) -> tuple[Metadata, list[str]]:
    """Selects the metadata to keep for an upright picture of ``size`` (width, height); notes report the rest.

    If its colours were ``converted`` to sRGB, its profile no longer applies.
    """
    notes = facts.notes
    icc = None if converted else _fitting_icc(facts.icc, gray, notes)
    untagged = not converted and icc is None and not facts.srgb
    if facts.exif_damaged:
        notes.append("EXIF dropped: it is damaged or empty")
    exif, of_tiff = facts.exif, facts.tiff is not None
    tiff = None
    if facts.tiff is not None:
        tiff = kept_tags(facts.tiff, turned=facts.orientation != 1, notes=notes)
        description = tiff.value(_DESCRIPTION)
        if exif and description and described_by_program(description):
            exif = exif.only(frozenset({*exif.fields, *exif.inner}) - {_DESCRIPTION})
        tiff = tiff if set(tiff.fields) - _RESOLUTION_TAGS or tiff.number(296, 2) == 1 else None
    metadata = Metadata(
        icc=icc,
        exif=None if exif is None else kept_exif(exif, of_tiff=of_tiff, notes=notes),
        dpi=_sane_dpi(facts.dpi, facts.exif),
        gamma=_positive(facts.gamma) if untagged else None,
        chromaticity=_sane_chromaticity(facts.chromaticity) if untagged else None,
        cicp=None if converted else facts.cicp,
        xmp=_bounded(facts.xmp, "XMP", notes),
        iptc=_bounded(facts.iptc, "IPTC", notes),
        texts=facts.texts,
        comment=facts.comment,
        tiff=tiff,
        size=size,
        lossless=facts.lossless,
        jpeg_quality=facts.jpeg_quality,
        page=page,
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


def _bounded(block: bytes | None, what: str, notes: list[str]) -> bytes | None:
    if block is None or len(block) <= _LARGEST:
        return block
    notes.append(f"{what} of {len(block):,} bytes dropped (more than 16 MiB)")
    return None


def _positive(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) and value > 0 else None


def _sane_dpi(dpi: Any, exif: Directory | None) -> tuple[float, float] | None:
    if dpi is None and exif is not None and (unit := {2: 1.0, 3: 2.54}.get(exif.number(296, 0))):
        dpi = [unit * exif.numbers(tag)[0] for tag in (282, 283) if exif.numbers(tag)]
    try:
        x, y = (float(value) for value in dpi or ())
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return (x, y) if 1 < x <= 65_535 and 1 < y <= 65_535 else None  # 1 is Pillow's "not stated" for TIFF


def _sane_chromaticity(values: Any) -> tuple[float, ...] | None:
    if not isinstance(values, tuple) or len(values) != 8:
        return None
    return tuple(float(v) for v in values) if all(_positive(v) is not None for v in values) else None
