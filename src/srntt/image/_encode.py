"""Encodes a picture in one format, or for Pillow, with as much of its metadata as it can store."""

import importlib
import io
import re
from collections.abc import Iterable
from typing import Any, Literal

import numpy as np
from PIL import Image

from srntt._shapes import Shaped
from srntt.image._carried import Carried, carried
from srntt.image._formats import FORMATS, Format
from srntt.image._picture import Picture
from srntt.image._source import SeekableSink
from srntt.image._write_png import write_png
from srntt.image.tiff._write import TiffWriter

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
    """Writes pictures as the pages of a TIFF, one at a time; returns notes, each kind of note once."""
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


def to_pillow(picture: Picture, mode: str | None = None) -> Image.Image:
    """The picture as an image, with ICC profile, EXIF, XMP and resolution in its ``info``, corrected for its size.

    Args:
        picture: 16-bit colour is reduced to 8 bits, the most that Pillow supports.
        mode: of the image that the picture came from: ``I;16``, ``I`` and ``F`` are returned in that mode,
            with their values.
    """
    ready = carried(picture, FORMATS[0], strip=False)
    image = _image(_pixels(picture, mode))
    image.info.update(_blocks(ready) | ({"dpi": ready.metadata.dpi} if ready.metadata.dpi else {}))
    return image


def _pixels(picture: Picture, mode: str | None) -> np.ndarray:
    if picture.is_gray and picture.alpha is None and mode is not None:
        if mode.startswith("I;16") and picture.bits == 16:
            return picture.color
        if mode in ("I", "F") and picture.levels:
            return picture.values().astype(np.int32 if mode == "I" else np.float32)
    return picture.to_8bit().interleaved()


def _image(pixels: Shaped[np.ndarray, "h w c"]) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels))


def _blocks(ready: Carried) -> dict[str, Any]:
    """Metadata by the names of Pillow's options."""
    named = {"icc_profile": ready.metadata.icc, "exif": ready.exif, "xmp": ready.metadata.xmp}
    return {name: block for name, block in named.items() if block}


def _through_pillow(ready: Carried, form: Format, file: SeekableSink, quality: int, lossless: bool) -> None:
    picture, metadata = ready.picture, ready.metadata
    image = _image(picture.interleaved() if form.alpha else picture.color)
    if image.mode == "LA":
        image = image.convert("RGBA")
    options: dict[str, Any] = {"quality": quality, **_blocks(ready)}
    if lossless:
        options |= {"lossless": True, "exact": True} if form.name == "WEBP" else {"lossless": True}
    if metadata.dpi and not form.dpi_in_exif:
        options["dpi"] = metadata.dpi
    if form.name == "JPEG":
        options |= {"subsampling": "4:4:4", "comment": metadata.comment or b""}
        options |= {"extra": _photoshop(metadata.iptc)} if metadata.iptc else {}
    elif form.name == "AVIF":
        options["subsampling"] = "4:0:0" if image.mode == "L" else "4:4:4"
    elif form.name == "JXL":
        importlib.import_module("pillow_jxl")  # which registers itself with Pillow
        options |= {"use_container": bool({"exif", "xmp"} & set(options)), "use_original_profile": lossless}
    whole = io.BytesIO() if form.name == "AVIF" and metadata.cicp else None
    sink = _NoDescriptor(whole or file)
    if form.name == "HEIF":
        image.info.update(options)
        importlib.import_module("pillow_heif").from_pillow(image).save(sink, quality=quality, chroma=444)
    else:
        image.save(sink, form.name, **options)  # pyright: ignore[reportArgumentType]
    if whole and metadata.cicp:
        file.write(_with_nclx(whole.getvalue(), metadata.cicp))


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
