"""Decodes arbitrary bytes and, on success, encodes the image again: `srntt.image`."""

import io
import struct
import zlib

import atheris

with atheris.instrument_imports(include=["srntt", "PIL"]):
    from srntt.image import Limits, load
    from srntt.image._encode import encode
    from srntt.image._formats import FORMATS

from attacks.material import film, overlapping_tags, whole
from fuzz.harness import fuzz
from image.pictures import encoded, waves

_LIMITS = Limits(max_pixels=2**16)
_WRITTEN = [form for form in FORMATS if form.name in ("PNG", "TIFF", "JPEG")]
_FORMS = ("PNG", "PNG 16", "JPEG", "JPEG progressive", "WEBP", "WEBP lossless", "TIFF", "TIFF lzw", "BMP", "AVIF")


def decode(data: bytes) -> None:
    """PNG checksums are corrected first; otherwise only they would be tested."""
    picture = load(repaired(data), limits=_LIMITS)
    assert picture.width * picture.height <= _LIMITS.max_pixels
    form = _WRITTEN[len(data) % len(_WRITTEN)]
    if form.name == "JPEG":
        picture = picture.to_8bit()
    stream = io.BytesIO()
    encode(picture, form, stream, strip=False, quality=90)
    again = load(stream.getvalue())
    assert (again.width, again.height) == (picture.width, picture.height)


def repaired(data: bytes) -> bytes:
    """A PNG with correct checksums; anything else unchanged."""
    if not data.startswith(b"\x89PNG\r\n\x1a\n"):
        return data
    parts, at = [data[:8]], 8
    while at + 12 <= len(data):
        end = at + 8 + int.from_bytes(data[at : at + 4], "big")
        parts += [data[at:end], struct.pack(">I", zlib.crc32(data[at + 4 : end]))]
        at = end + 4
    return b"".join(parts)


def _seeds() -> list[bytes]:
    exif = b"Exif\0\0" + overlapping_tags(3, 400)
    profile = bytearray(200)
    profile[36:40], profile[16:20] = b"acsp", b"RGB "
    tagged = [encoded(waves(8, 9, 3), form, exif=exif, icc_profile=bytes(profile)) for form in ("JPEG", "PNG", "WEBP")]
    return [*map(whole, _FORMS), film("PNG"), film("WEBP"), film("TIFF"), overlapping_tags(5, 500), *tagged]


if __name__ == "__main__":
    fuzz(decode, _seeds())
