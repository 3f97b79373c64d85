"""Decodes strips and tiles of a TIFF file to samples of any depth and number.

libtiff inside Pillow decompresses the segments as rows of one picture of bytes: it inflates no more than the header
states, whatever the data contain. Samples, for most of which Pillow has no mode, are unpacked here.
"""

import importlib
import importlib.util
import io
import math
import zlib
from types import ModuleType

import numpy as np
from PIL import TiffImagePlugin as Tiff

from srntt._shapes import Shaped, UInt8
from srntt.errors import MissingDependencyError
from srntt.image._source import refuse
from srntt.image.tiff._directory import Directory, pack
from srntt.image.tiff._layout import Layout

_PLAIN, _LERC_HEADER = 1, 2**12
BYTE_CODECS = frozenset({_PLAIN, 5, 8, 32773, 32946, 34925, 50000})  #: none, LZW, deflate, PackBits, LZMA, Zstandard
IMAGE_CODECS = {34887: "LERC", 33003: "JPEG 2000", 33004: "JPEG 2000", 33005: "JPEG 2000", 34712: "JPEG 2000"}


def read_samples(data: bytes, layout: Layout, source: str) -> Shaped[np.ndarray, "h w c"]:
    """All samples of a picture, in native byte order.

    Raises:
        PictureError: segments that are missing, outside the file, or too short.
        MissingDependencyError: a compression that needs the extra ``tiff``.
    """
    rows, columns = layout.segment
    across, down = -(-layout.width // columns), -(-layout.height // rows)
    planes = layout.samples if layout.planar else 1
    if len(layout.offsets) < across * down * planes or len(layout.sizes) < across * down * planes:
        raise refuse(
            source, f"is not a whole TIFF: it lists {len(layout.offsets)} of {across * down * planes} segments."
        )
    for at, size in zip(layout.offsets, layout.sizes, strict=False):
        if at + size > len(data):
            raise refuse(source, f"is not a whole TIFF: a segment of {size:,} bytes at {at:,} goes beyond its end.")
    pixels = np.empty((layout.height, layout.width, layout.samples), layout.dtype.newbyteorder("="))
    for plane in range(planes):
        where = slice(plane, plane + 1) if layout.planar else slice(None)
        for row in range(down):
            first = (plane * down + row) * across
            top, bottom = row * rows, min(layout.height, (row + 1) * rows)
            used = rows if layout.tiled else bottom - top
            parts = _row_of_segments(data, layout, range(first, first + across), used, source)
            for column, part in enumerate(parts):
                left, right = column * columns, min(layout.width, (column + 1) * columns)
                pixels[top:bottom, left:right, where] = part[: bottom - top, : right - left]
    return pixels


def _row_of_segments(data: bytes, layout: Layout, which: range, rows: int, source: str) -> list[np.ndarray]:
    """One row of segments, each (rows, columns, samples in a segment)."""
    columns = layout.segment[1]
    if layout.compression in IMAGE_CODECS:
        return [_decoded(data, layout, one, rows, source) for one in which]
    if layout.compression == _PLAIN:
        size = rows * layout.row_bytes
        if any(layout.sizes[one] < size for one in which):
            raise refuse(source, f"is not a whole TIFF: a segment of less than {size:,} bytes.")
        packed = [np.frombuffer(data, np.uint8, size, layout.offsets[one]) for one in which]
    else:
        packed = list(_decompressed(data, layout, which, rows).reshape(len(which), -1))
    parts = [_unpacked(one.reshape(rows, layout.row_bytes), layout) for one in packed]
    return [one.reshape(rows, columns, layout.together) for one in parts]


def _decompressed(data: bytes, layout: Layout, which: range, rows: int) -> UInt8[np.ndarray, "_ n"]:
    """Decompresses through libtiff, as a picture of bytes whose strips are copies of the segments."""
    body, offsets, sizes = io.BytesIO(), [], []
    for one in which:
        offsets.append(8 + body.tell())
        sizes.append(layout.sizes[one])
        body.write(data[layout.offsets[one] : layout.offsets[one] + layout.sizes[one]])
    body.write(bytes(body.tell() % 2))
    tags = Directory("<")
    numbers = {
        256: (layout.row_bytes,),
        257: (len(which) * rows,),
        258: (8,),
        259: (layout.compression,),
        262: (1,),
        273: tuple(offsets),
        277: (1,),
        278: (rows,),
        279: tuple(sizes),
    }
    tags = tags.having({tag: tags.integers(*values) for tag, values in numbers.items()})
    at = 8 + body.tell()
    head = b"II*\0" + at.to_bytes(4, "little")
    with Tiff.TiffImageFile(io.BytesIO(head + body.getvalue() + pack(tags, at))) as image:
        image.load()
        return np.asarray(image)


def _unpacked(raw: UInt8[np.ndarray, "h n"], layout: Layout) -> Shaped[np.ndarray, "h m"]:
    """Converts rows of bytes to rows of samples and undoes the predictor."""
    rows, count = len(raw), layout.segment[1] * layout.together
    if layout.predictor == 3:
        return _floats(raw, layout, count)
    if layout.bits % 8 or layout.bits == 24:
        return _few_bits(raw, layout.bits, count).astype(layout.dtype.newbyteorder("="))
    samples = np.ascontiguousarray(raw[:, : count * layout.dtype.itemsize]).view(layout.dtype)
    samples = samples.astype(layout.dtype.newbyteorder("="))
    if layout.predictor == 2 and layout.compression != _PLAIN:
        whole = samples.view(f"u{samples.itemsize}").reshape(rows, -1, layout.together)
        np.cumsum(whole, axis=1, dtype=whole.dtype, out=whole)
    return samples


def _floats(raw: UInt8[np.ndarray, "h n"], layout: Layout, count: int) -> Shaped[np.ndarray, "h m"]:
    """Predictor 3 (Adobe Photoshop TIFF technical note 3): bytes by significance, each row's differenced."""
    size, together = layout.bits // 8, layout.together
    row = np.ascontiguousarray(raw[:, : count * size]).reshape(len(raw), -1, together)
    summed = np.cumsum(row, axis=1, dtype=np.uint8).reshape(len(raw), size, count)
    return np.ascontiguousarray(summed.transpose(0, 2, 1)).view(f">f{size}")[:, :, 0].astype(f"f{size}")


def _few_bits(raw: UInt8[np.ndarray, "h n"], bits: int, count: int) -> Shaped[np.ndarray, "h m"]:
    """Unpacks samples of any number of bits, the most significant bit first."""
    samples = np.zeros((len(raw), count), np.uint32)
    period = math.lcm(bits, 8)  # bits after which samples start at a byte again
    per, size = period // bits, period // 8
    padded = np.zeros((len(raw), -(-count // per) * size), np.uint8)
    padded[:, : raw.shape[1]] = raw[:, : padded.shape[1]]
    groups = padded.reshape(len(raw), -1, size).astype(np.uint64)
    for number in range(per):
        begin, end = number * bits, (number + 1) * bits
        value = np.zeros(groups.shape[:2], np.uint64)
        for byte in range(begin // 8, -(-end // 8)):
            value = value << np.uint64(8) | groups[:, :, byte]
        value >>= np.uint64(-end % 8)
        part = (value & np.uint64(2**bits - 1)).astype(np.uint32)
        samples[:, number::per] = part[:, : len(range(number, count, per))]
    return samples


def _decoded(data: bytes, layout: Layout, which: int, rows: int, source: str) -> Shaped[np.ndarray, "h w c"]:
    """Decodes a segment that is a picture of its own, after checking its header."""
    name = IMAGE_CODECS[layout.compression]
    if importlib.util.find_spec("imagecodecs") is None:
        raise MissingDependencyError.of_extra(f"{source}: a TIFF compressed with {name} needs an extra", "tiff")
    codecs = importlib.import_module("imagecodecs")
    packed = data[layout.offsets[which] : layout.offsets[which] + layout.sizes[which]]
    if name == "LERC" and layout.lerc_packing:
        packed = _unpacked_lerc(packed, layout, rows, codecs)
    width, height, samples = _lerc_size(packed) if name == "LERC" else _j2k_size(packed)
    if (height, width) != (rows, layout.segment[1]) or samples not in (0, layout.together):
        raise refuse(
            source, f"is a damaged TIFF: a segment of {width} x {height} pixels, not {layout.segment[1]} x {rows}."
        )
    decoded = codecs.lerc_decode(packed) if name == "LERC" else codecs.jpeg2k_decode(packed)
    return decoded.reshape(rows, layout.segment[1], layout.together).astype(layout.dtype.newbyteorder("="))


def _unpacked_lerc(packed: bytes, layout: Layout, rows: int, codecs: ModuleType) -> bytes:
    """Inflates LERC from deflate or Zstandard, to no more than an incompressible segment takes."""
    most = 2 * rows * layout.segment[1] * layout.together * layout.dtype.itemsize + _LERC_HEADER
    if layout.lerc_packing == 1:
        return zlib.decompressobj().decompress(packed, most)
    return codecs.zstd_decode(packed, out=most)


def _j2k_size(packed: bytes) -> tuple[int, int, int]:
    """Width, height and components of a JPEG 2000 codestream (ISO/IEC 15444-1, SIZ)."""
    at = packed.find(b"\xff\x4f\xff\x51")
    right, bottom, left, top = (int.from_bytes(packed[at + 8 + k : at + 12 + k], "big") for k in (0, 4, 8, 12))
    return right - left, bottom - top, int.from_bytes(packed[at + 40 : at + 42], "big")


def _lerc_size(packed: bytes) -> tuple[int, int, int]:
    """Width, height and depth of a LERC 2 blob; their place depends on its version."""
    if packed[:6] != b"Lerc2 ":
        return 0, 0, 0
    version = int.from_bytes(packed[6:10], "little")
    at = 10 + 4 * (version >= 3)
    height, width = (int.from_bytes(packed[at + k : at + k + 4], "little") for k in (0, 4))
    return width, height, int.from_bytes(packed[at + 8 : at + 12], "little") if version >= 4 else 1
