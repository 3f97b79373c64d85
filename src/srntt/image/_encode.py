"""A picture to the bytes of one format, with as much of its metadata as the format holds."""

import importlib
from collections.abc import Callable
from typing import BinaryIO

import numpy as np
from PIL import Image

from srntt._shapes import Shaped
from srntt.image._formats import Format
from srntt.image._metadata import Metadata, exif_for
from srntt.image._picture import Picture
from srntt.image._write_png import write_png
from srntt.image._write_tiff import write_tiff

__all__ = ["encode"]

_JPEG_SEGMENT = 65_533


def encode(picture: Picture, form: Format, file: BinaryIO, *, strip: bool, quality: int) -> tuple[str, ...]:
    """Writes the picture to ``file``; returns what the format could not hold. The caller has checked that it fits."""
    metadata, notes = (Metadata(), ()) if strip else _holdable(picture.metadata, form)
    exif = exif_for(metadata.exif, picture.width, picture.height) if metadata.exif else None
    if exif and form.name == "JPEG" and len(exif.tobytes()) > _JPEG_SEGMENT:
        exif, notes = None, (*notes, "EXIF dropped: it is longer than JPEG holds")
    if form.name == "PNG":
        write_png(file, picture, metadata, exif.tobytes() if exif else None)
    elif form.name == "TIFF":
        write_tiff(file, picture, metadata, exif)
    else:
        pixels = picture.interleaved() if form.alpha else picture.color
        _through_pillow(pixels, form.name, file, metadata, exif, quality)
    return notes


def _holdable(metadata: Metadata, form: Format) -> tuple[Metadata, tuple[str, ...]]:
    """What the format carries, and what is said of the rest (resolution is not worth a word)."""
    lost = {"icc": "ICC profile", "exif": "EXIF"}
    notes = tuple(
        f"{word} dropped: {form.name} holds none"
        for name, word in lost.items()
        if getattr(metadata, name) and name not in form.carries
    )
    if form.name != "PNG" and metadata.gamma and abs(metadata.gamma * 2.2 - 1) > 0.02:
        notes += (f"gamma {metadata.gamma:g} dropped: only PNG holds it",)
    kept = {name: getattr(metadata, name) for name in ("icc", "exif", "dpi") if name in form.carries}
    if form.name == "PNG":
        kept |= {"gamma": metadata.gamma, "chromaticity": metadata.chromaticity}
    return Metadata(**kept), notes


def _through_pillow(
    pixels: Shaped[np.ndarray, "h w c"],
    name: str,
    file: BinaryIO,
    metadata: Metadata,
    exif: Image.Exif | None,
    quality: int,
) -> None:
    squeezed = pixels[:, :, 0] if pixels.shape[2] == 1 else pixels
    image = Image.fromarray(np.ascontiguousarray(squeezed))
    if image.mode == "LA":
        image = image.convert("RGBA")
    options: dict[str, object] = {"quality": quality}
    if metadata.icc:
        options["icc_profile"] = metadata.icc
    if exif:
        options["exif"] = exif.tobytes()
    if metadata.dpi:
        options["dpi"] = metadata.dpi
    _WRITERS[name](image, _Unnumbered(file), options)


class _Unnumbered:
    """A file without a number: Pillow writes straight to one that has one, and does not look whether all of it was
    taken, so that a disk with little room left cuts the picture off without an error.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.write, self.flush, self.seek, self.tell = file.write, file.flush, file.seek, file.tell

    def take(self, image: Image.Image, name: str, **options: object) -> None:
        """Have Pillow write a picture in a format."""
        image.save(self, name, **options)  # pyright: ignore[reportArgumentType]


def _write_jpeg(image: Image.Image, file: _Unnumbered, options: dict) -> None:
    file.take(image, "JPEG", subsampling="4:4:4", **options)


def _write_webp(image: Image.Image, file: _Unnumbered, options: dict) -> None:
    file.take(image, "WEBP", **options)


def _write_bmp(image: Image.Image, file: _Unnumbered, options: dict) -> None:
    file.take(image, "BMP", **options)


def _write_avif(image: Image.Image, file: _Unnumbered, options: dict) -> None:
    file.take(image, "AVIF", subsampling="4:0:0" if image.mode == "L" else "4:4:4", **options)


def _write_heif(image: Image.Image, file: _Unnumbered, options: dict) -> None:
    image.info.update(options)
    heif = importlib.import_module("pillow_heif")
    heif.from_pillow(image).save(file, quality=options["quality"], chroma=444)


def _write_jxl(image: Image.Image, file: _Unnumbered, options: dict) -> None:
    importlib.import_module("pillow_jxl")  # which registers itself with Pillow
    file.take(image, "JXL", **options)


_WRITERS: dict[str, Callable[[Image.Image, _Unnumbered, dict], None]] = {
    "JPEG": _write_jpeg,
    "WEBP": _write_webp,
    "BMP": _write_bmp,
    "AVIF": _write_avif,
    "HEIF": _write_heif,
    "JXL": _write_jxl,
}
