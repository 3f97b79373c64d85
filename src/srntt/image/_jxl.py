"""Reads from JPEG XL what its Pillow plugin does not provide (ISO/IEC 18181-1 and -2)."""

import importlib
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from srntt._shapes import Shaped
from srntt.image._levels import spread


@dataclass(frozen=True)
class JxlAbout:
    """Bits per sample, whether colours are stored without loss, XMP, and the types of compressed boxes."""

    bits: int
    lossless: bool
    xmp: bytes | None
    compressed: tuple[bytes, ...]


class _Bits:
    """Reads bits of a codestream, the lowest of each byte first, and zeros beyond its end."""

    def __init__(self, data: bytes) -> None:
        self._bits, self._used = int.from_bytes(data, "little"), 0

    def take(self, count: int) -> int:
        self._used += count
        return self._bits >> (self._used - count) & ((1 << count) - 1)

    def choose(self, *ways: tuple[int, int]) -> int:
        """U32: two bits select how many bits follow and the offset added to them."""
        count, plus = ways[self.take(2)]
        return self.take(count) + plus


def jxl_size(data: bytes) -> tuple[int, int]:
    """Width and height."""
    return _size(_Bits(_codestream(data)[2:40]))


def jxl_about(data: bytes) -> JxlAbout:
    """Everything else in the header and the boxes."""
    bits = _Bits(_codestream(data)[2:40])
    _size(bits)
    depth, lossless = _image_metadata(bits)
    xmp, compressed = None, []
    for name, body in _boxes(data):
        if name == b"xml ":
            xmp = body
        elif name == b"brob":
            compressed.append(body[:4])
        elif name == b"jbrd":
            lossless = False  # a JPEG, packed
    return JxlAbout(depth, lossless, xmp, tuple(compressed))


def jxl_samples(data: bytes, bits: int) -> Shaped[np.ndarray, "h w *c"] | None:
    """Decodes integers of more than 8 bits with imagecodecs, scaled to 16; None for floats or without imagecodecs."""
    if importlib.util.find_spec("imagecodecs") is None:
        return None
    samples = importlib.import_module("imagecodecs").jpegxl_decode(data, numthreads=1)
    return spread(samples, bits) if samples.dtype == np.uint16 else None


def _size(bits: _Bits) -> tuple[int, int]:
    small = bits.take(1)

    def side() -> int:
        return (bits.take(5) + 1) * 8 if small else bits.take((9, 13, 18, 30)[bits.take(2)]) + 1

    height = side()
    ratio = ((0, 1), (1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))[bits.take(3)]
    return (height * ratio[0] // ratio[1] if ratio[0] else side()), height


def _image_metadata(bits: _Bits) -> tuple[int, bool]:
    """Bits per sample, and whether colours are stored in their own space: XYB is lossy."""
    if bits.take(1):  # all defaults: 8 bits, XYB
        return 8, False
    if bits.take(1):  # extra fields
        bits.take(3)  # orientation
        if bits.take(1):  # intrinsic size
            _size(bits)
        if bits.take(1) or bits.take(1):  # a preview, an animation: rare, and long to skip
            return 8, False
    depth = _depth(bits)
    bits.take(1)  # modular samples of 16 bits
    for _ in range(bits.choose((0, 0), (0, 1), (4, 2), (12, 1))):
        if not bits.take(1):  # an extra channel other than 8-bit alpha
            if bits.choose((0, 0), (0, 1), (4, 2), (6, 18)):
                return depth, False
            _depth(bits)
            bits.choose((0, 0), (0, 3), (0, 4), (3, 1))
            if bits.choose((0, 0), (4, 0), (5, 16), (10, 48)):
                return depth, False  # it has a name
            bits.take(1)
    return depth, not bits.take(1)


def _depth(bits: _Bits) -> int:
    if bits.take(1):  # floats
        depth = bits.choose((0, 32), (0, 16), (0, 24), (6, 1))
        bits.take(4)
        return depth
    return bits.choose((0, 8), (0, 10), (0, 12), (6, 1))


def _codestream(data: bytes) -> bytes:
    """Its first bytes, bare or in a box."""
    if data[:2] == b"\xff\x0a":
        return data[:64]
    at = min((found for name in (b"jxlc", b"jxlp") if (found := data.find(name)) >= 0), default=len(data))
    at += 4 if data[at : at + 4] == b"jxlc" else 8
    return data[at : at + 64]


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0 if data[4:8] == b"JXL " else len(data)
    while at + 8 <= len(data):
        size, name, head = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8], 8
        if size == 1:
            size, head = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        size = size or len(data) - at
        if size < head:
            return
        yield name, data[at + head : at + size] if name in (b"xml ", b"brob") else b""
        at += size
