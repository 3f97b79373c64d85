"""16-bit PNG, which Pillow decodes to 8: every decoded image must equal that of the slow implementation."""

import struct
import zlib

import atheris

with atheris.instrument_imports(include=["srntt", "PIL"]):
    from srntt.image import Limits, load

import numpy as np
from fuzz.harness import fuzz
from image.pictures import waves
from reference.png import chunk, read_png, write_png

_CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}
_LIMITS = Limits(max_pixels=2**12)


def png16(data: bytes) -> None:
    """A header, rows and ancillary chunks built from the input, so that nearly every input is a PNG."""
    provider = atheris.FuzzedDataProvider(data)
    width, height = provider.ConsumeIntInRange(1, 12), provider.ConsumeIntInRange(1, 12)
    kind, interlaced = provider.PickValueInList([0, 2, 4, 6]), provider.ConsumeIntInRange(0, 2)
    short = provider.ConsumeIntInRange(0, 3)
    extra = _chunks(provider)
    stride = width * _CHANNELS[kind] * 2
    rows = _rows(provider, height, stride, sane=provider.ConsumeProbability() < 0.8)
    header = struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, interlaced)
    body = zlib.compress(rows[: len(rows) - short])
    cut = provider.ConsumeIntInRange(0, len(body))
    pixels = chunk(b"IDAT", body[:cut]) + chunk(b"IDAT", body[cut:])
    file = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + pixels + chunk(b"IEND", b"")
    picture = load(file, limits=_LIMITS)
    if interlaced == 0 and b"tRNS" not in extra:
        _compare(picture.interleaved(), read_png(file)[0])


def _rows(provider: atheris.FuzzedDataProvider, height: int, stride: int, *, sane: bool) -> bytes:
    rows = b""
    for _ in range(height):
        first = provider.ConsumeIntInRange(0, 4 if sane else 255)
        rows += bytes([first]) + provider.ConsumeBytes(stride).ljust(stride, b"\x5a")
    return rows


def _chunks(provider: atheris.FuzzedDataProvider) -> bytes:
    kinds = [b"tRNS", b"gAMA", b"cHRM", b"pHYs", b"sRGB", b"eXIf", b"iCCP", b"tEXt", b"zTXt", b"iTXt", b"acTL", b"fcTL"]
    count = provider.ConsumeIntInRange(0, 3)
    return b"".join(
        chunk(provider.PickValueInList(kinds), provider.ConsumeBytes(provider.ConsumeIntInRange(0, 64)))
        for _ in range(count)
    )


def _compare(found: np.ndarray, expected: np.ndarray) -> None:
    assert found.dtype == np.uint16, found.dtype
    assert np.array_equal(found, expected), "the pixels are not those of the slow twin"


def _seeds() -> list[bytes]:
    return [bytes(range(256)) * 4, b"", *(write_png(waves(5, 4, channels, np.uint16)) for channels in (1, 2, 3, 4))]


if __name__ == "__main__":
    fuzz(png16, _seeds())
