"""Harmless images and models, from which attacks are built."""

import functools
import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from image.pictures import encoded, waves
from PIL import Image
from reference.png import chunk, write_png
from tiny import tiny_network

from srntt.models import save_model

PNG_START = b"\x89PNG\r\n\x1a\n"
SMALL = (16, 20)  # height and width of harmless images


@functools.cache
def whole(form: str) -> bytes:
    """A complete small file of noise in this format; ``form`` is Pillow's name, and a variant after a space."""
    noise = np.random.default_rng(0).integers(0, 256, (*SMALL, 3), dtype=np.uint8)
    name, _, variant = form.partition(" ")
    if form == "PNG 16":
        return write_png(waves(*SMALL, 3, np.uint16))
    options = {
        "progressive": {"progressive": True},
        "lossless": {"lossless": True},
        "lzw": {"compression": "tiff_lzw"},
        "deflate": {"compression": "tiff_adobe_deflate"},
        "": {},
    }[variant]
    return encoded(noise, name, **options)


def harmless(folder: Path, *names: str) -> None:
    """Small complete PNG files with these names."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(whole("PNG"))


@functools.cache
def _tiny_model() -> bytes:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        return save_model(tiny_network(), Path(folder) / "tiny.safetensors").read_bytes()


def tiny_model(folder: Path) -> Path:
    """A light model of minimal size, as ``tiny.safetensors``."""
    path = folder / "tiny.safetensors"
    path.write_bytes(_tiny_model())
    return path


def with_model(*steps: Callable[[Path], object]) -> Callable[[Path], None]:
    """A ``make`` that also puts the tiny model there."""

    def make(folder: Path) -> None:
        tiny_model(folder)
        for step in steps:
            step(folder)

    return make


def file(name: str, content: bytes | Callable[[], bytes]) -> Callable[[Path], None]:
    """A ``make`` that writes one file."""

    def make(folder: Path) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content() if callable(content) else content)

    return make


def png_header(width: int, height: int, bits: int = 8, kind: int = 2) -> bytes:
    """The signature and IHDR."""
    return PNG_START + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0))


def png_of_zeros(width: int, height: int, bits: int = 8, kind: int = 2) -> bytes:
    """A complete and valid PNG, a thousandth of the size of its content."""
    channels = {0: 1, 2: 3, 6: 4}[kind]
    packer, row = zlib.compressobj(9), bytes(1 + -(-width * channels * bits // 8))
    body = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    return png_header(width, height, bits, kind) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def with_chunks(*extra: bytes) -> bytes:
    """The small PNG with chunks after its header."""
    return write_png(waves(*SMALL, 3), extra=b"".join(extra))


def tiff(tags: list[tuple[int, int, int, bytes]], data: bytes = b"", next_directory: int = 0) -> bytes:
    """A little-endian TIFF of one directory: (tag, type, count, value or, beyond four bytes, offset); then data.

    Data begin at byte 8; the directory comes after them.
    """
    at = 8 + len(data) + len(data) % 2
    head = b"II*\0" + struct.pack("<I", at) + data + bytes(len(data) % 2)
    entries = b"".join(struct.pack("<HHI", *entry[:3]) + entry[3].ljust(4, b"\0") for entry in tags)
    return head + struct.pack("<H", len(tags)) + entries + struct.pack("<I", next_directory)


def short(value: int) -> bytes:
    return struct.pack("<H", value)


def long(value: int) -> bytes:
    return struct.pack("<I", value)


def plain_tiff_tags(width: int, height: int, **other: int) -> list[tuple[int, int, int, bytes]]:
    """An 8-bit grey picture whose one strip is at byte 8."""
    values = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: height, 279: width * height}
    values |= {int(name.removeprefix("tag")): value for name, value in other.items()}
    return [(tag, 4, 1, long(value & 0xFFFFFFFF)) for tag, value in sorted(values.items())]


def floats(value: float) -> bytes:
    """A float TIFF in which one sample is this."""
    pixels = np.full(SMALL, 0.5, np.float32)
    pixels[3, 4] = value
    return encoded(Image.fromarray(pixels), "TIFF")


def film(form: str, frames: int = 3) -> bytes:
    """Several frames or pages."""
    pictures = [Image.fromarray(np.full((*SMALL, 3), 40 * number % 256, np.uint8)) for number in range(frames)]
    stream = io.BytesIO()
    pictures[0].save(stream, form, save_all=True, append_images=pictures[1:])
    return stream.getvalue()


def overlapping_tags(count: int, payload: int) -> bytes:
    """A TIFF directory whose tags all claim the same bytes: read one by one they are ``count`` times as many."""
    needed = plain_tiff_tags(*SMALL[::-1])
    extra = [(40_000 + number, 1, payload, long(8)) for number in range(count)]
    return tiff(needed + extra, bytes(max(payload, SMALL[0] * SMALL[1])))
