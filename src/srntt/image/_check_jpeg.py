"""What the markers of a JPEG show before it is decoded: the number of its scans, its EXIF, and whether it is whole."""

import hashlib
import io
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress

from PIL import JpegImagePlugin

from srntt.image._source import refuse
from srntt.image.tiff._check import check_directories

_MAX_SCANS = 100  # encoders write at most a few dozen; each costs a pass over the whole picture
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_START_OF_SCAN, _EXIF, _END = 0xDA, 0xE1, 0xD9
_COEFFICIENTS = 64
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")
_LAST_BYTES = 8
_ENOUGH = 4096  # bytes for several blocks of the largest codes


def check_jpeg(data: bytes, source: str) -> None:
    """Checks the markers of the first picture in a JPEG.

    Raises:
        PictureError: an absurd number of scans, or EXIF tags that claim more than there is.
    """
    scans, exif = 0, []
    for marker, start, end in _segments(data):
        scans += marker == _START_OF_SCAN
        if scans > _MAX_SCANS:
            raise refuse(source, f"has more than {_MAX_SCANS} progressive scans, which no camera or encoder writes.")
        if marker == _EXIF and data.startswith(b"Exif\0\0", start):
            exif.append(data[start + 6 : end])  # Pillow also joins several
    check_directories(b"".join(exif), source, "EXIF")


def with_end_marker(data: bytes) -> bytes | None:
    """Completes a JPEG that lacks only its end-of-image marker, as other decoders do.

    No pixel data is missing if the scans cover every coefficient to its last bit, and if the decoded picture is the
    same whatever bits follow. The last bytes must matter as well: otherwise a trailer follows the picture, and its
    bytes may stand in for pixel data that is missing.

    Returns:
        the file with the marker, itself where it has one; None where pixel data is missing.
    """
    if any(marker == _END for marker, _, _ in _segments(data)):
        return data
    if not _all_coefficients(data):
        return None
    with suppress(OSError):  # Pillow cannot decode it
        for body in dict.fromkeys((data.rstrip(b"\xff"), data.rstrip(b"\0\xff"))):
            first = _digest(body)
            same = all(_digest(body + more) == first for more in _continuations(body))
            if same and _digest(body[:-_LAST_BYTES]) != first:
                return body + bytes([0xFF, _END])
    return None


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start and end of each segment of the first picture, up to its end marker; the rest is left alone."""
    at = 2
    while found := _MARKER.search(data, at):
        marker, at = data[found.start() + 1], found.end()
        if marker == _END:
            yield marker, at, at
            return
        if marker not in (0x01, 0xD8):
            end = at + int.from_bytes(data[at : at + 2], "big")
            yield marker, at + 2, end
            at = end


def _all_coefficients(data: bytes) -> bool:
    """Whether the scans hold all coefficients of all components to the last bit (ITU-T T.81, B.2.2 and B.2.3)."""
    components: set[int] = set()
    found: dict[int, set[int]] = defaultdict(set)
    for marker, start, end in _segments(data):
        segment = data[start:end]
        if marker in _START_OF_FRAME:
            components |= set(segment[6::3])
        elif marker == _START_OF_SCAN and len(segment) >= 4:
            first, last, shift = segment[-3:]
            if shift & 15 == 0:
                for component in segment[1 : 1 + 2 * segment[0] : 2]:
                    found[component].update(range(first, last + 1))
    return bool(components) and all(len(found[one]) == _COEFFICIENTS for one in components)


def _continuations(data: bytes) -> Iterator[bytes]:
    """Bits of several patterns that might follow, and the restart interval that is due next."""
    restart = len(_RESTART.findall(data, data.rindex(bytes([0xFF, _START_OF_SCAN])))) % 8
    yield bytes([0xFF, 0xD0 + restart]) + _ENOUGH * b"\x55"
    for pattern in (0x00, 0x55, 0xAA, 0x33, 0xCC, 0x0F, 0xF0):
        yield _ENOUGH * bytes([pattern])


def _digest(data: bytes) -> bytes:
    """Of the pixels, decoded with an end marker after the data."""
    with JpegImagePlugin.JpegImageFile(io.BytesIO(data + bytes([0xFF, _END]))) as image:
        image.load()
        return hashlib.sha256(image.tobytes()).digest()
