"""Checks file headers before any decoder sees the file."""

import struct

from PIL import AvifImagePlugin

from srntt.image._check_jpeg import check_jpeg
from srntt.image._check_png import check_png
from srntt.image._jxl import jxl_about, jxl_size
from srntt.image._source import Limits, check_pixels, refuse
from srntt.image.tiff._check import check_directories

_MAX_RLE_WIDTH, _MAX_RLE_PIXELS = 2**16, 2**25  # run-length coded BMP, which Pillow decodes byte by byte


def check_header(kind: str, data: bytes, source: str, limits: Limits) -> None:
    """Checks what Pillow's openers do not check.

    Raises:
        PictureError: an incomplete PNG, a WebP or JPEG XL beyond the limit (their openers allocate or decode at once),
            a JPEG with an absurd number of scans, a large run-length coded BMP, or tags that claim more data than
            there is.
    """
    if kind == "PNG":
        check_png(data, source, limits)
    elif kind == "WEBP":
        _check_webp(data, source, limits)
    elif kind == "JXL":
        check_pixels(source, *jxl_size(data), limits)
    elif kind == "JPEG":
        check_jpeg(data, source)
    elif kind == "BMP":
        _check_bmp(data, source)
    elif kind == "AVIF" and AvifImagePlugin.SUPPORTED:
        _, _, _, _, exif, _, _ = AvifImagePlugin._avif.AvifDecoder(data, "auto", 1).get_info()
        check_directories(exif or b"", source, "EXIF")


def samples_depth(kind: str, data: bytes) -> int | None:
    """Bits per sample by the header of a PNG, AVIF, HEIF or JPEG XL; None if it does not state them."""
    if kind == "PNG":
        return data[24]
    if kind == "JXL":
        return jxl_about(data).bits
    if kind in ("AVIF", "HEIF"):
        at = data.find(b"pixi", 0, 2**16)  # PixelInformationProperty: version and flags, channels, bits of each
        return data[at + 9] if 0 <= at < len(data) - 9 else None
    return None


def _check_webp(data: bytes, source: str, limits: Limits) -> None:
    if len(data) < 30:
        raise refuse(source, "is not a whole WebP: it ends inside its header.")
    if int.from_bytes(data[4:8], "little") + 8 > len(data):
        raise refuse(source, "is not a whole WebP: it is shorter than its header says.")
    if data[12:16] == b"VP8X":
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
    elif data[12:16] == b"VP8L":
        packed = int.from_bytes(data[21:25], "little")
        width, height = (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
    else:
        width, height = (int.from_bytes(data[at : at + 2], "little") & 0x3FFF for at in (26, 28))
    check_pixels(source, width, height, limits)


def _check_bmp(data: bytes, source: str) -> None:
    """Limits run-length coded BMPs: Pillow fills skipped pixels with zeros before it counts them."""
    width, height, _, compression = struct.unpack("<iiII", data[18:34].ljust(16, b"\0"))
    if int.from_bytes(data[14:18], "little") < 40 or compression not in (1, 2):
        return
    if width > _MAX_RLE_WIDTH or abs(width * height) > _MAX_RLE_PIXELS:
        raise refuse(
            source,
            f"is a run-length coded BMP of {width} x {abs(height)} pixels; the limit is {_MAX_RLE_WIDTH:,} per "
            f"row and {_MAX_RLE_PIXELS:,} in total. Save it as PNG.",
        )
