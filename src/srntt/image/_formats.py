"""The supported picture formats: how each is recognised by content, and what each can store."""

import importlib.util
import os
from dataclasses import dataclass

from srntt.errors import MissingDependencyError, OutputError


@dataclass(frozen=True)
class Format:
    """What a file of this format can store.

    Attributes:
        name: Pillow's name of the format.
        suffixes: in lower case, the most common first.
        max_side: largest width or height in pixels that can be written and read back.
        max_pixels: largest width times height.
        max_bytes: largest size of the raw samples, for formats that count bytes with 32 bits.
        alpha: supports an alpha channel.
        bits: maximum bits per sample, 8 or 16.
        carries: the parts of the metadata that it can store, by their names in ``Metadata``.
        dpi_in_exif: the resolution can be stored in EXIF only.
        cicp: it can declare colours other than sRGB by the code points of ITU-T H.273.
        lossless: it can be written without loss, always or on request.
        extra: name of our extra and its module, for formats that need an optional dependency.
    """

    name: str
    suffixes: tuple[str, ...]
    max_side: int
    max_pixels: int = 2**62
    max_bytes: int = 2**62
    alpha: bool = True
    bits: int = 8
    carries: frozenset[str] = frozenset({"icc", "exif", "xmp"})
    dpi_in_exif: bool = False
    cicp: bool = False
    lossless: bool = True
    extra: tuple[str, str] | None = None


# JPEG's own limit is 65,535; libjpeg-turbo, which Pillow uses, writes and reads up to 65,500. AVIF can be written up to
# 65,536, but libavif by default refuses to read more than 32,768 a side or 16,384 x 16,384 pixels.
_ALL = frozenset({"icc", "exif", "xmp", "dpi"})
FORMATS = (
    Format("PNG", (".png",), max_side=2**31 - 1, bits=16, carries=_ALL | {"texts"}, cicp=True),
    Format(
        "JPEG",
        (".jpg", ".jpeg", ".jpe", ".jfif"),
        max_side=65_500,
        alpha=False,
        carries=_ALL | {"iptc", "comment"},
        lossless=False,
    ),
    Format("WEBP", (".webp",), max_side=16_383, dpi_in_exif=True),
    Format("TIFF", (".tif", ".tiff"), max_side=2**31 - 1, bits=16, carries=_ALL | {"iptc", "tiff"}),
    Format("BMP", (".bmp",), max_side=2**31 - 1, max_bytes=2**32 - 2**16, alpha=False, carries=frozenset({"dpi"})),
    Format("AVIF", (".avif",), max_side=32_768, max_pixels=16_384**2, dpi_in_exif=True, cicp=True, lossless=False),
    Format(
        "HEIF",
        (".heic", ".heif"),
        max_side=16_384,
        dpi_in_exif=True,
        lossless=False,
        extra=("heif", "pillow_heif"),
    ),
    Format(
        "JXL",
        (".jxl",),
        max_side=2**30 - 1,
        carries=frozenset({"exif", "xmp"}),  # its plugin writes no profile
        dpi_in_exif=True,
        extra=("jxl", "pillow_jxl"),
    ),
)

#: Suffixes of picture files; when a file is read, its content decides.
PICTURE_SUFFIXES = frozenset(suffix for form in FORMATS for suffix in form.suffixes)


def holds_pages(path: str) -> bool:
    """Whether the format of the suffix stores several pages. Raises OutputError for an unknown suffix."""
    return format_of(path).name == "TIFF"


def format_of(path: str) -> Format:
    """The format of the suffix of ``path``. Raises OutputError for an unknown or missing suffix."""
    suffix = os.path.splitext(path)[1].lower()
    for form in FORMATS:
        if suffix in form.suffixes:
            return form
    known = ", ".join(form.suffixes[0] for form in FORMATS)
    given = f"the suffix {suffix!r} names no format that can be written" if suffix else "has no suffix"
    raise OutputError(f"{path}: {given}. End the name with one of {known}.")


def require(name: str) -> None:
    """Raises MissingDependencyError if this format needs an extra that is not installed."""
    for form in FORMATS:
        if form.name == name and form.extra and importlib.util.find_spec(form.extra[1]) is None:
            raise MissingDependencyError.of_extra(f"{name} needs an extra", form.extra[0])


def sniff(head: bytes) -> str | None:
    """The format of a file by its first 64 bytes or more; None if it is not supported."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "TIFF"
    if head[:2] == b"BM":
        return "BMP"
    if head[4:8] == b"ftyp":
        return _sniff_boxes(head)
    if head[:2] == b"\xff\x0a" or head[:12] == b"\0\0\0\x0cJXL \r\n\x87\n":
        return "JXL"
    return None


def _sniff_boxes(head: bytes) -> str | None:
    end = min(int.from_bytes(head[:4], "big"), len(head))
    brands = {head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4))}
    if brands & {b"avif", b"avis"}:
        return "AVIF"
    if brands & {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"}:
        return "HEIF"
    return None


#: Suffixes of raw files of cameras.
RAW_SUFFIXES = frozenset(
    {".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dng", ".erf", ".fff", ".iiq", ".kdc", ".mef", ".mos"}
)
RAW_SUFFIXES |= {".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f"}
RAW_ADVICE = "must be developed first with darktable, RawTherapee or the camera's own program"
_RAW = f"a camera's raw file, which {RAW_ADVICE}"
_STRANGERS = (
    (b"%!PS", "PostScript (EPS)"),
    (b"\xc5\xd0\xd3\xc6", "PostScript (EPS)"),
    (b"%PDF", "PDF"),
    (b"GIF8", "GIF"),
    (b"8BPS", "Photoshop PSD"),
    (b"FUJIFILMCCD-RAW", _RAW),
    (b"IIRO", _RAW),
    (b"IIRS", _RAW),
    (b"MMOR", _RAW),
    (b"IIU\0", _RAW),
    (b"FOVb", _RAW),
    (b"\0MRM", _RAW),
    (b"\0\0\x01\0", "a Windows icon"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"qoif", "QOI"),
    (b"v/1\x01", "OpenEXR"),
    (b"#?RADIANCE", "Radiance HDR"),
    (b"DDS ", "DDS"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "gzip"),
    (b"<svg", "SVG"),
    (b"<?xml", "XML or SVG"),
    (b"<!doctype", "a web page"),
    (b"<html", "a web page"),
    (b"version https://git-lfs", "a Git LFS pointer"),
)


def looks_like(head: bytes) -> str:
    """Describes what these first bytes look like, for error messages."""
    if head[4:11] == b"ftypcrx":
        return f"its content looks like {_RAW}"
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for magic, name in _STRANGERS:
        if head.startswith(magic) or start[: len(magic)].lower() == magic.lower():
            return f"its content looks like {name}"
    return f"its content is of an unknown kind (it begins with {head[:8].hex(' ')})"
