"""TIFF's and EXIF's directories of tags are worth reading: they claim no more than the file holds.

Each tag says where its value lies, and nothing keeps two thousand of them from naming the same megabytes. Pillow
copies each, and makes a Python object of every number: a file of some megabytes would take gigabytes.
"""

import struct
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from srntt.image._source import refuse

__all__ = ["check_directories", "check_exif"]

_UNITS = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}  # bytes, by type
_TEXTS, _RATIONALS = {1, 2, 7}, {5, 10}
_RATIONAL = 16  # a fraction is an object of that many numbers
_MAX_NUMBERS = 2**22  # places and sizes of all tiles of 16 x 16 in 500 megapixels
_INTEGERS = {3: "H", 4: "L", 8: "h", 9: "l", 13: "L", 16: "Q"}
_POINTERS = {0x8769, 0x8825, 0xA005}  # to the Exif, GPS and interoperability directories


def check_exif(info: Mapping[Any, Any], source: str) -> None:
    """Checks the EXIF block that Pillow has found, before it is taken apart.

    Args:
        info: of a Pillow image.
        source: its name.

    Raises:
        PictureError: its tags claim more than there is.
    """
    block = info.get("exif")
    if block is None and isinstance(text := info.get("Raw profile type exif"), str):
        with suppress(ValueError):  # Pillow cannot read it, either
            block = bytes.fromhex("".join(text.split("\n")[3:]))
    if isinstance(block, bytes):
        check_directories(block, source, "EXIF")


def check_directories(block: bytes, source: str, what: str) -> None:
    """Checks the first directory and those it points to.

    Args:
        block: a TIFF file, or an EXIF block with or without its "Exif" prefix.
        source: name of the file.
        what: "TIFF" or "EXIF".

    Raises:
        PictureError: its tags claim more than twice the bytes that there are, or millions of numbers.
    """
    while block.startswith(b"Exif\0\0"):
        block = block[6:]
    claimed = numbers = 0
    for kind, count in _tags(block):
        claimed += count * _UNITS[kind]
        numbers += 0 if kind in _TEXTS else count * (_RATIONAL if kind in _RATIONALS else 1)
    if claimed > 2 * len(block) or numbers > _MAX_NUMBERS:
        raise refuse(
            source,
            f"its {what} tags claim {claimed:,} bytes of {len(block):,} ({numbers:,} numbers), as no camera or program "
            "writes. Refused. Save the picture anew, without its metadata.",
        )


def _tags(block: bytes) -> Iterator[tuple[int, int]]:
    """Type and count of every tag whose value lies within the block: of the others Pillow reads nothing."""
    if block[:2] not in (b"II", b"MM") or len(block) < 16:
        return
    order, big = "<" if block[:2] == b"II" else ">", block[2] == 43
    pending: list[int] = list(struct.unpack_from(order + ("Q" if big else "L"), block, 8 if big else 4))
    seen: set[int] = set()
    while pending:
        if (place := pending.pop()) in seen:
            continue
        seen.add(place)
        for tag, kind, count, at in _entries(block, order, big, place):
            if kind not in _UNITS or not 0 <= at <= len(block) - count * _UNITS[kind]:
                continue
            yield kind, count
            if tag in _POINTERS and count == 1 and kind in _INTEGERS:
                pending += struct.unpack_from(order + _INTEGERS[kind], block, at)


def _entries(block: bytes, order: str, big: bool, place: int) -> Iterator[tuple[int, int, int, int]]:
    """Tag, type, count and where the value lies, of one directory as far as it goes."""
    head, entry, field = ("Q", "HHQ", 8) if big else ("H", "HHL", 4)
    width, begin = struct.calcsize(order + entry) + field, place + struct.calcsize(order + head)
    if not 0 <= place <= begin <= len(block):
        return
    count = struct.unpack_from(order + head, block, place)[0]
    for at in range(begin, min(begin + count * width, len(block) - width + 1), width):
        tag, kind, number = struct.unpack_from(order + entry, block, at)
        value = at + width - field
        if number * _UNITS.get(kind, 0) > field:
            value = struct.unpack_from(order + ("Q" if big else "L"), block, value)[0]
        yield tag, kind, number, value
