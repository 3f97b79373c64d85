"""Checks that the tags of TIFF and EXIF directories claim no more data than the file holds.

Each tag states where its value lies, and two thousand of them may point to the same megabytes. Pillow copies each
value and makes a Python object of every number, so that a file of a few megabytes would take gigabytes.
"""

import struct
from collections.abc import Iterator, Mapping
from typing import Any

from srntt.image._source import refuse
from srntt.image.tiff._directory import CODES, POINTERS, UNITS, Block
from srntt.image.tiff._exif import exif_in

_TEXTS, _RATIONALS = {1, 2, 7}, {5, 10}
_RATIONAL = 16  # a fraction is an object as large as that many numbers
_MAX_NUMBERS = 2**22  # offsets and sizes of all tiles of 16 x 16 in 500 megapixels


def check_exif(info: Mapping[Any, Any], source: str) -> None:
    """Checks the EXIF block that Pillow has found, before it is parsed, as `check_directories` does."""
    if block := exif_in(info):
        check_directories(block, source, "EXIF")


def check_directories(data: bytes, source: str, what: str, place: int | None = None) -> None:
    """Checks the first directory of a TIFF file or EXIF block, or that at ``place``, and those it points to.

    Raises:
        PictureError: its tags claim more than twice the bytes that there are, or millions of numbers.
    """
    if (block := Block.of(data)) is None:
        return
    claimed = numbers = 0
    for kind, count in _tags(block, block.first if place is None else place):
        claimed += count * UNITS[kind]
        numbers += 0 if kind in _TEXTS else count * (_RATIONAL if kind in _RATIONALS else 1)
    if claimed > 2 * len(block.data) or numbers > _MAX_NUMBERS:
        raise refuse(
            source,
            f"its {what} tags claim {claimed:,} bytes of {len(block.data):,} ({numbers:,} numbers), which no camera or "
            "program writes. Save the picture again without its metadata.",
        )


def _tags(block: Block, first: int) -> Iterator[tuple[int, int]]:
    """Type and count of every tag whose value lies within the block; the others are never read."""
    pending = [first]
    seen: set[int] = set()
    while pending:
        if (place := pending.pop()) in seen:
            continue
        seen.add(place)
        for tag, kind, count, at in block.entries(place):
            if kind not in UNITS or not 0 <= at <= len(block.data) - count * UNITS[kind]:
                continue
            yield kind, count
            if tag in POINTERS and count == 1 and kind in CODES and kind not in (11, 12):
                pending += struct.unpack_from(block.order + CODES[kind], block.data, at)
