"""Encodes a picture in one format, with as much of its metadata as the format can store."""

import importlib
import io
import re
from collections.abc import Callable, Iterable
from typing import Literal

import numpy as np
from PIL import Image

from srntt.image._carried import Carried, carried
from srntt.image._formats import Format
from srntt.image._picture import Picture
from srntt.image._source import SeekableSink
from srntt.image._write_png import write_png
from srntt.image._write_tiff import TiffWriter

__all__ = ["encode", "encode_pages"]

_IPTC = 0x0404


def encode(
    picture: Picture, form: Format, file: SeekableSink, *, strip: bool, quality: int, lossless: bool = False
) -> tuple[str, ...]:
    """Writes the picture to ``file``; returns notes. The caller has checked that the format can hold it."""
    if form.name == "TIFF":
        return encode_pages([picture], form, file, count=1, strip=strip)
    ready = carried(picture, form, strip=strip)
    if form.name == "PNG":
        write_png(file, ready.picture, ready.metadata, ready.exif)
    else:
        _through_pillow(ready, form, file, quality, lossless)
    return ready.notes


def encode_pages(
    pictures: Iterable[Picture], form: Format, file: SeekableSink, *, count: int, strip: bool
) -> tuple[str, ...]:
    """Writes pictures as the pages of a TIFF, one at a time.

    Returns:
        notes on what TIFF cannot store and on pages beyond the first; each kind of note once.
    """
    notes: list[str] = []
    seen: set[str] = set()
    writer: TiffWriter | None = None
    for picture in pictures:
        kinds = {re.sub(r"\d[\d.,e+-]*", "#", note): note for note in picture.notes}
        notes += [note for kind, note in kinds.items() if writer and kind not in seen]
        seen |= set(kinds)
        ready = carried(picture, form, strip=strip)
        writer = writer or TiffWriter(file, ready.picture, count, _order(ready))
        notes += [*ready.notes, *writer.add(ready)]
    return tuple(dict.fromkeys(notes))


def _order(ready: Carried) -> Literal["<", ">"]:
    """Byte order of the tags that are written unchanged."""
    tags = ready.tree or ready.metadata.tiff
    return tags.order if tags else "<"


def _through_pillow(ready: Carried, form: Format, file: SeekableSink, quality: int, lossless: bool) -> None:
    picture, metadata, exif = ready.picture, ready.metadata, ready.exif
    pixels = picture.interleaved() if form.alpha else picture.color
    image = Image.fromarray(np.ascontiguousarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels))
    if image.mode == "LA":
        image = image.convert("RGBA")
    options: dict[str, object] = {"quality": quality}
    if lossless:
        options |= {"lossless": True, "exact": True} if form.name == "WEBP" else {"lossless": True}
    for name, value in (("icc_profile", metadata.icc), ("exif", exif), ("xmp", metadata.xmp)):
        if value:
            options[name] = value
    if metadata.dpi and not form.dpi_in_exif:
        options["dpi"] = metadata.dpi
    if form.name == "JPEG":
        options |= {"comment": metadata.comment or b""}
        options |= {"extra": _photoshop(metadata.iptc)} if metadata.iptc else {}
    if form.name == "AVIF" and metadata.cicp:
        whole = io.BytesIO()
        _WRITERS[form.name](image, _NoDescriptor(whole), options)
        file.write(_with_nclx(whole.getvalue(), metadata.cicp))
    else:
        _WRITERS[form.name](image, _NoDescriptor(file), options)


def _photoshop(iptc: bytes) -> bytes:
    """A JPEG segment with IPTC in Photoshop's resources, which is where all programs store it."""
    body = b"Photoshop 3.0\0" + b"8BIM" + _IPTC.to_bytes(2, "big") + b"\0\0" + len(iptc).to_bytes(4, "big")
    body += iptc + bytes(len(iptc) % 2)
    return b"\xff\xed" + (len(body) + 2).to_bytes(2, "big") + body


def _with_nclx(data: bytes, cicp: tuple[int, int]) -> bytes:
    """Sets the colour code points of an AVIF; through Pillow, libavif always writes those of sRGB."""
    at = data.index(b"colrnclx")
    return data[: at + 8] + cicp[0].to_bytes(2, "big") + cicp[1].to_bytes(2, "big") + data[at + 12 :]


class _NoDescriptor:
    """A file without a descriptor. Pillow writes directly to a descriptor and does not check that all bytes were
    written, so that a full disk truncates the picture without an error.
    """

    def __init__(self, file: SeekableSink) -> None:
        self.write, self.flush, self.seek, self.tell = file.write, file.flush, file.seek, file.tell

    def take(self, image: Image.Image, name: str, **options: object) -> None:
        """Writes a picture in a format through Pillow."""
        image.save(self, name, **options)  # pyright: ignore[reportArgumentType]


def _write_jpeg(image: Image.Image, file: _NoDescriptor, options: dict) -> None:
    file.take(image, "JPEG", subsampling="4:4:4", **options)


def _write_webp(image: Image.Image, file: _NoDescriptor, options: dict) -> None:
    file.take(image, "WEBP", **options)


def _write_bmp(image: Image.Image, file: _NoDescriptor, options: dict) -> None:
    file.take(image, "BMP", **options)


def _write_avif(image: Image.Image, file: _NoDescriptor, options: dict) -> None:
    file.take(image, "AVIF", subsampling="4:0:0" if image.mode == "L" else "4:4:4", **options)


def _write_heif(image: Image.Image, file: _NoDescriptor, options: dict) -> None:
    image.info.update(options)
    heif = importlib.import_module("pillow_heif")
    heif.from_pillow(image).save(file, quality=options["quality"], chroma=444)


def _write_jxl(image: Image.Image, file: _NoDescriptor, options: dict) -> None:
    importlib.import_module("pillow_jxl")  # which registers itself with Pillow
    container = bool(options.get("exif") or options.get("xmp"))
    file.take(image, "JXL", use_container=container, use_original_profile=bool(options.get("lossless")), **options)


_WRITERS: dict[str, Callable[[Image.Image, _NoDescriptor, dict], None]] = {
    "JPEG": _write_jpeg,
    "WEBP": _write_webp,
    "BMP": _write_bmp,
    "AVIF": _write_avif,
    "HEIF": _write_heif,
    "JXL": _write_jxl,
}
