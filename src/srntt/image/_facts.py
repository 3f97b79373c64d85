"""Reads the metadata of a file unchanged, from Pillow or directly from the file where Pillow does not read it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from PIL import Image

from srntt.image._check_png import png_chunks
from srntt.image._jxl import jxl_about
from srntt.image._orientation import orientation_in_file, orientation_of_image
from srntt.image.tiff._directory import Directory
from srntt.image.tiff._exif import exif_in, exif_tree

_IPTC = 0x0404  # of Photoshop's resources
_QUIET_RESOURCES = {_IPTC, 0x03ED, 0x0421, 0x0425, 0x040C, 0x0414}  # resolution, version, digests, thumbnail, seed
_QUIET_SEGMENTS = (b"JFIF", b"JFXX", b"Exif", b"http://ns.adobe.com/xap/1.0/", b"ICC_PROFILE", b"Adobe", b"Photoshop")
_QUIET_SEGMENTS += (b"MPF",)
_MOST_TEXT = 2**24
_LUMA_SUM = 3_688  # of the luma table of quality 50, ITU-T T.81, Table K.1
_COEFFICIENTS = 64


@dataclass
class Facts:
    """Metadata of a picture file; None for what it does not state.

    Attributes:
        exif: directories, or None; ``exif_damaged`` if there is a block that cannot be read.
        xmp: packet in UTF-8.
        iptc: data set of IPTC.
        texts: PNG's, with their keywords.
        comment: JPEG's.
        icc: colour profile; ``srgb`` if a PNG declares sRGB without one.
        cicp: colour primaries and transfer characteristics, numbered as in ITU-T H.273.
        tiff: the directory of a TIFF page.
        orientation: EXIF orientation that is yet to be applied.
        lossless: the file was encoded without loss.
        jpeg_quality: 1..100, from the quantisation of luma.
        notes: what cannot be kept.
    """

    dpi: Any = None
    icc: Any = None
    srgb: bool = False
    gamma: Any = None
    chromaticity: Any = None
    cicp: tuple[int, int] | None = None
    exif: Directory | None = None
    exif_damaged: bool = False
    xmp: bytes | None = None
    iptc: bytes | None = None
    texts: tuple[tuple[str, str], ...] = ()
    comment: bytes | None = None
    tiff: Directory | None = None
    orientation: int = 1
    lossless: bool = False
    jpeg_quality: float | None = None
    notes: list[str] = field(default_factory=list)


def facts_of_tiff(tags: Directory, notes: list[str]) -> Facts:
    """From the directory of a TIFF page."""
    facts = Facts(icc=tags.value(34675), exif=tags, tiff=tags, xmp=tags.value(700), iptc=tags.value(33723))
    facts.notes += notes
    facts.orientation = orientation_in_file(tags, facts.notes)
    unit = {2: 1.0, 3: 2.54}.get(tags.number(296, 2))
    x, y = tags.numbers(282), tags.numbers(283)
    if unit and x and y:
        facts.dpi = x[0] * unit, y[0] * unit
    if 34377 in tags.fields:
        facts.notes.append("Photoshop settings dropped")
    return facts


def facts_of_image(image: Image.Image, data: bytes = b"") -> Facts:
    """From an image that Pillow has decoded, and the bytes of its file if available."""
    info, kind = image.info, image.format
    facts = Facts(icc=info.get("icc_profile"), srgb="srgb" in info, dpi=info.get("dpi"))
    facts.gamma, facts.chromaticity = info.get("gamma"), info.get("chromaticity")
    _add_exif(facts, image, in_file=bool(data))
    facts.xmp = _bytes(info.get("xmp")) or _bytes(info.get("XML:com.adobe.xmp"))
    if kind != "JXL" or getattr(image, "jpeg", False):  # the decoder has applied the codestream's orientation
        turn = orientation_in_file if data else partial(orientation_of_image, image)
        facts.orientation = turn(facts.exif, facts.notes)
    if kind == "JPEG" or "photoshop" in info:
        _add_jpeg(facts, image)
    elif kind == "PNG" or "Software" in info:
        _add_png(facts, image, data)
    elif kind == "WEBP":
        facts.lossless = b"VP8L" in data[12:64] or b"VP8L" in _chunk_names(data)
    elif kind in ("AVIF", "HEIF"):
        facts.cicp = _nclx(data)
    elif kind == "JXL" and data:
        about = jxl_about(data)
        facts.xmp = facts.xmp or about.xmp
        facts.lossless = about.lossless
        had = {b"Exif": facts.exif, b"xml ": facts.xmp}
        facts.notes += [
            f"JPEG XL's compressed {kind.decode('ascii', 'replace').strip()} dropped"
            for kind in about.compressed
            if not had.get(kind)
        ]
    return facts


def _add_exif(facts: Facts, image: Image.Image, *, in_file: bool) -> None:
    block = exif_in(image.info)
    if not block and not in_file:
        with suppress(Exception):  # of an image in memory, whose EXIF Pillow keeps as objects
            block = image.getexif().tobytes() if image.getexif() else None
    if isinstance(block, bytes) and block:
        facts.exif = exif_tree(block)
        facts.exif_damaged = facts.exif is None


def _add_jpeg(facts: Facts, image: Image.Image) -> None:
    facts.jpeg_quality = jpeg_quality(getattr(image, "quantization", None))
    facts.comment = _bytes(image.info.get("comment"))
    resources = image.info.get("photoshop")
    if isinstance(resources, dict):
        facts.iptc = _bytes(resources.get(_IPTC))
        if set(resources) - _QUIET_RESOURCES:
            facts.notes.append("Photoshop settings dropped")
    for name, body in getattr(image, "applist", []):
        if name == "COM" or body.startswith(_QUIET_SEGMENTS):
            continue
        if body.startswith(b"http://ns.adobe.com/xmp/extension/"):
            what = "the rest of a long XMP packet"
        elif name == "APP11":
            what = "content credentials, which are valid for the original picture only,"
        else:
            what = f"{name} {body[:16].split(bytes(1))[0].decode('ascii', 'replace')!r}"
        if (note := f"{what} dropped") not in facts.notes:
            facts.notes.append(note)
    if facts.xmp and b"hdrgm:" in facts.xmp:
        facts.xmp = None
        facts.notes.append("gain map dropped with the XMP that describes it; the result is the SDR picture")


def _add_png(facts: Facts, image: Image.Image, data: bytes) -> None:
    texts: list[tuple[str, str]] = []
    for key, value in getattr(image, "text", {}).items():
        if key == "XML:com.adobe.xmp" or key == "Raw profile type exif":
            continue
        if key.startswith("Raw profile type"):
            facts.notes.append(f"PNG text {key!r} dropped")
        elif isinstance(value, str):
            texts.append((key, str(value)))
    if sum(len(value) for _, value in texts) > _MOST_TEXT:
        facts.notes.append("PNG texts dropped: more than 16 MiB")
        texts = []
    facts.texts, facts.lossless = tuple(texts), bool(data)
    for kind, body in png_chunks(data):
        if kind == b"cICP" and len(body) == 4:
            facts.cicp = body[0], body[1]
        elif kind in (b"mDCV", b"cLLI", b"caBX", b"sCAL", b"pCAL"):
            facts.notes.append(f"PNG chunk {kind.decode()} dropped")


def jpeg_quality(tables: Mapping[int, Sequence[int]] | None) -> float | None:
    """The libjpeg quality, 1..100, whose luma table has the same sum; None without a table.

    Example:
        >>> jpeg_quality({0: [16] * 63 + [2680]}), jpeg_quality({0: [1] * 64}), jpeg_quality(None)
        (50.0, 99.1, None)
    """
    table = (tables or {}).get(0)
    if table is None or len(table) != _COEFFICIENTS:
        return None
    percent = 100 * sum(table) / _LUMA_SUM
    quality = 5_000 / percent if percent > 100 else (200 - percent) / 2
    return round(min(100.0, max(1.0, quality)), 1)


def _nclx(data: bytes) -> tuple[int, int] | None:
    """Of an AVIF or HEIF (ISO/IEC 14496-12, ColourInformationBox); None for what decoders treat as sRGB."""
    at = data.find(b"colrnclx", 0, 2**16)
    if at < 0:
        return None
    primaries, transfer = (int.from_bytes(data[at + k : at + k + 2], "big") for k in (8, 10))
    return None if primaries in (1, 2) and transfer in (1, 2, 6, 13, 14, 15) else (primaries, transfer)


def _chunk_names(data: bytes) -> Iterator[bytes]:
    at = 12
    while at + 8 <= len(data):
        yield data[at : at + 4]
        at += 8 + int.from_bytes(data[at + 4 : at + 8], "little")
        at += at % 2


def _bytes(value: Any) -> bytes | None:
    if isinstance(value, str):
        value = value.encode()
    return value if isinstance(value, bytes) and value else None
