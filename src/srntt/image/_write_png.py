"""Writes PNG with 8 and 16 bits (PNG specification, third edition). Pillow cannot write 16-bit colour."""

import struct
import zlib

import numpy as np

from srntt._shapes import Shaped, UInt8
from srntt.image._metadata import Metadata
from srntt.image._picture import Picture
from srntt.image._source import ByteSink

_BAND_BYTES = 2**22
_LEVEL = 1  # zlib's, 0..9: filtered photographs gain little above 1 and take much longer
_COLOR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
_SUB, _UP, _PAETH = 1, 2, 4


def write_png(file: ByteSink, picture: Picture, metadata: Metadata, exif: bytes | None) -> None:
    """Writes a picture in bands of rows, with some tens of MiB of extra memory whatever its size."""
    height, width, bits = picture.height, picture.width, picture.bits
    channels = picture.color.shape[2] + (picture.alpha is not None)
    file.write(b"\x89PNG\r\n\x1a\n")
    _chunk(file, b"IHDR", struct.pack(">IIBBBBB", width, height, bits, _COLOR_TYPES[channels], 0, 0, 0))
    for kind, body in _ancillary(metadata, exif):
        _chunk(file, kind, body)
    packer = zlib.compressobj(_LEVEL, strategy=zlib.Z_FILTERED)
    rows = max(1, _BAND_BYTES // (width * channels * bits // 8))
    above = np.zeros((1, width * channels * bits // 8), np.uint8)
    for top in range(0, height, rows):
        raw = _big_endian_rows(picture.interleaved(top, top + rows))
        if packed := packer.compress(_filtered(raw, above, channels * bits // 8)):
            _chunk(file, b"IDAT", packed)
        above = raw[-1:]
    _chunk(file, b"IDAT", packer.flush())
    _chunk(file, b"IEND", b"")


def _chunk(file: ByteSink, kind: bytes, body: bytes) -> None:
    file.write(struct.pack(">I", len(body)))
    file.write(kind)
    file.write(body)
    file.write(struct.pack(">I", zlib.crc32(body, zlib.crc32(kind))))


def _ancillary(metadata: Metadata, exif: bytes | None) -> list[tuple[bytes, bytes]]:
    chunks = []
    if metadata.chromaticity:
        chunks.append((b"cHRM", struct.pack(">8I", *(round(value * 100_000) for value in metadata.chromaticity))))
    if metadata.gamma:
        chunks.append((b"gAMA", struct.pack(">I", round(metadata.gamma * 100_000))))
    if metadata.icc:
        chunks.append((b"iCCP", b"ICC Profile\0\0" + zlib.compress(metadata.icc)))
    if metadata.cicp:  # the samples are RGB, over the full range
        chunks.append((b"cICP", bytes([*metadata.cicp, 0, 1])))
    if metadata.dpi:
        chunks.append((b"pHYs", struct.pack(">IIB", *(round(value / 0.0254) for value in metadata.dpi), 1)))
    if exif:
        chunks.append((b"eXIf", exif.removeprefix(b"Exif\0\0")))
    if metadata.xmp:
        chunks.append((b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + metadata.xmp))
    return chunks + [_text(key, value) for key, value in metadata.texts]


def _text(key: str, value: str) -> tuple[bytes, bytes]:
    """Uses Latin-1 where possible, as most readers expect."""
    keyword = key.encode("latin-1", "replace")[:79]
    try:
        return b"tEXt", keyword + b"\0" + value.encode("latin-1")
    except UnicodeEncodeError:
        return b"iTXt", keyword + b"\0\0\0\0\0" + value.encode("utf-8", "replace")


def _big_endian_rows(band: Shaped[np.ndarray, "h w c"]) -> UInt8[np.ndarray, "h n"]:
    band = np.ascontiguousarray(band.astype(band.dtype.newbyteorder(">"), copy=False))
    return band.reshape(len(band), -1).view(np.uint8)


def _filtered(raw: UInt8[np.ndarray, "h n"], above: UInt8[np.ndarray, "1 n"], step: int) -> bytes:
    """Filters each row by whichever of Sub, Up and Paeth leaves the smallest sum (the specification's heuristic)."""
    up = np.concatenate([above, raw[:-1]])
    left, corner = np.zeros_like(raw), np.zeros_like(raw)
    left[:, step:], corner[:, step:] = raw[:, :-step], up[:, :-step]
    tried = np.stack([raw - left, raw - up, raw - _paeth(left, up, corner)])
    cost = np.abs(tried.view(np.int8)).view(np.uint8).sum(axis=2, dtype=np.int64)  # |-128| is 128 as uint8
    best = cost.argmin(axis=0)
    filtered = np.empty((raw.shape[0], raw.shape[1] + 1), np.uint8)
    filtered[:, 0] = np.array([_SUB, _UP, _PAETH])[best]
    filtered[:, 1:] = tried[best, np.arange(len(raw))]
    return filtered.tobytes()


def _paeth(
    left: UInt8[np.ndarray, "h n"], up: UInt8[np.ndarray, "h n"], corner: UInt8[np.ndarray, "h n"]
) -> np.ndarray:
    a, b, c = left.astype(np.int16), up.astype(np.int16), corner.astype(np.int16)
    to_left, to_up, to_corner = np.abs(b - c), np.abs(a - c), np.abs(a + b - 2 * c)
    return np.where((to_left <= to_up) & (to_left <= to_corner), left, np.where(to_up <= to_corner, up, corner))
