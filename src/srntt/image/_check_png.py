"""Checks that a PNG is complete: the length and checksum of every chunk, and as many pixels as the header states.

Pillow checks neither the checksums of the pixel data nor, when the compressed data end early, that there are enough.
"""

import zlib
from collections.abc import Iterator
from typing import Any

from srntt.image._source import Limits, check_pixels, refuse

_MAX_CHUNKS = 2**18  # 512 MiB of libpng's 8 KiB chunks is 2**16
_SLICE = 2**16
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def check_png(data: bytes, source: str, limits: Limits) -> None:
    """Reads a PNG from its first byte to IEND, inflating no more than the header implies and keeping nothing.

    Raises:
        PictureError: beyond the pixel limit, damaged, or incomplete.
    """
    if data[8:16] != b"\0\0\0\x0dIHDR" or len(data) < 33:
        raise refuse(source, "is not a whole PNG: it does not begin with an IHDR chunk.")
    width, height = (int.from_bytes(data[at : at + 4], "big") for at in (16, 20))
    check_pixels(source, width, height, limits)
    missing = _inflated_size(width, height, bits=data[24] * _CHANNELS.get(data[25], 0), interlaced=data[28] == 1)
    inflater = zlib.decompressobj()
    for number, (kind, body) in enumerate(_chunks(data, source)):
        if kind == b"IHDR" and number:
            raise refuse(source, "is a damaged PNG: it has a second IHDR chunk.")
        if kind == b"IDAT" and missing > 0:
            try:
                missing -= _inflate(inflater, body, missing)
            except zlib.error as error:
                raise refuse(source, f"is a damaged PNG: its pixel data cannot be inflated ({error}).") from error
    if missing > 0:
        raise refuse(source, f"is not a whole PNG: its pixel data end {missing:,} bytes early.")


def _chunks(data: bytes, source: str) -> Iterator[tuple[bytes, memoryview]]:
    view, at = memoryview(data), 8
    for _ in range(_MAX_CHUNKS):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        end = at + 8 + length
        if end + 4 > len(data):
            raise refuse(source, f"is not a whole PNG: it ends inside the chunk at byte {at:,}, before IEND.")
        if zlib.crc32(view[at + 4 : end]) != int.from_bytes(data[end : end + 4], "big"):
            raise refuse(source, f"is a damaged PNG: wrong checksum in chunk {ascii(kind)[2:-1]} at byte {at:,}.")
        if kind == b"IEND":
            return
        yield kind, view[at + 8 : end]
        at = end + 4
    raise refuse(source, f"is a PNG of more than {_MAX_CHUNKS:,} chunks. Write it again with another program.")


def png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The chunks of a checked PNG except its pixels; nothing for other formats."""
    at = 8 if data.startswith(b"\x89PNG") else len(data)
    while at + 12 <= len(data):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if kind == b"IEND":
            return
        if kind != b"IDAT":
            yield kind, data[at + 8 : at + 8 + length] if length < 2**16 else b""
        at += length + 12


def _inflated_size(width: int, height: int, bits: int, interlaced: bool) -> int:
    """Bytes of all rows with their filter bytes, over all passes that have pixels."""
    passes = _ADAM7 if interlaced else ((0, 0, 1, 1),)
    sides = ((-(-(width - x) // dx), -(-(height - y) // dy)) for x, y, dx, dy in passes)
    return sum(rows * (1 + -(-columns * bits // 8)) for columns, rows in sides if columns > 0 and rows > 0)


def _inflate(inflater: Any, packed: memoryview, wanted: int) -> int:
    """Counts the inflated bytes, up to about ``wanted``, one slice at a time."""
    total = 0
    for at in range(0, len(packed), _SLICE):
        piece: bytes | memoryview = packed[at : at + _SLICE]
        while piece and total < wanted and not inflater.eof:
            total += len(inflater.decompress(piece, 2**20))
            piece = inflater.unconsumed_tail
    return total
