"""PNG as its specification has it, a byte at a time: the twin of what ``srntt.image`` reads and writes."""

import struct
import zlib

import numpy as np

ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def write_png(pixels: np.ndarray, *, bits: int | None = None, interlaced: bool = False, extra: bytes = b"") -> bytes:
    """Writes a PNG from the specification, one row at a time, cycling through the five filters."""
    height, width, channels = pixels.shape
    bits = bits or 8 * pixels.dtype.itemsize
    color_type = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    passes = [pixels[y::dy, x::dx] for x, y, dx, dy in ADAM7] if interlaced else [pixels]
    body = b"".join(_filtered_rows(part, bits) for part in passes if part.size)
    header = struct.pack(">IIBBBBB", width, height, bits, color_type, 0, 0, interlaced)
    end = chunk(b"IDAT", zlib.compress(body)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + end


def _filtered_rows(pixels: np.ndarray, bits: int) -> bytes:
    height, _, channels = pixels.shape
    if bits < 8:
        rows = [np.packbits(_as_bits(row.ravel(), bits)).tobytes() for row in pixels]
    else:
        rows = [row.astype(f">u{bits // 8}").tobytes() for row in pixels]
    step = max(1, channels * bits // 8)
    out, above = b"", bytes(len(rows[0]))
    for at in range(height):
        row, kind = rows[at], at % 5
        guesses = [predicted(kind, row, above, i, step) for i in range(len(row))]
        out += bytes([kind]) + bytes((value - guess) & 255 for value, guess in zip(row, guesses, strict=True))
        above = row
    return out


def _as_bits(values: np.ndarray, bits: int) -> np.ndarray:
    return (values[:, None] >> np.arange(bits - 1, -1, -1)) & 1


def predicted(kind: int, row: bytes | bytearray, above: bytes | bytearray, i: int, step: int) -> int:
    """What PNG's filter ``kind`` predicts for byte ``i`` (specification, section 9.2)."""
    a, b, c = (row[i - step] if i >= step else 0), above[i], (above[i - step] if i >= step else 0)
    distances = [abs(b - c), abs(a - c), abs(a + b - 2 * c)]
    return (0, a, b, (a + b) // 2, (a, b, c)[distances.index(min(distances))])[kind]


def read_png(data: bytes) -> tuple[np.ndarray, dict[bytes, bytes]]:
    """Reads a non-interlaced PNG of 8 or 16 bits, slowly; also returns its chunks (IDAT joined)."""
    chunks, at = {}, 8
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + length]
        assert zlib.crc32(kind + body) == struct.unpack(">I", data[at + 8 + length : at + 12 + length])[0]
        chunks[kind] = chunks.get(kind, b"") + body
        at += 12 + length
    width, height, bits, color_type = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    channels = {0: 1, 4: 2, 2: 3, 6: 4}[color_type]
    stride, step = width * channels * bits // 8, channels * bits // 8
    body, above, rows = zlib.decompress(chunks[b"IDAT"]), bytearray(stride), []
    for y in range(height):
        kind, row = body[y * (stride + 1)], bytearray(body[y * (stride + 1) + 1 : (y + 1) * (stride + 1)])
        for i in range(stride):
            row[i] = (row[i] + predicted(kind, row, above, i, step)) & 255
        rows.append(bytes(row))
        above = row
    pixels = np.frombuffer(b"".join(rows), f">u{bits // 8}").astype(np.uint8 if bits == 8 else np.uint16)
    return pixels.reshape(height, width, channels), chunks
