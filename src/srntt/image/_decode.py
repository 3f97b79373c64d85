"""Decodes bytes of unknown origin to samples, behind one guard.

Each format's opener is called directly, not through ``Image.open``, which consults every registered plugin and limits
sizes by a module-wide setting that all threads share. No global state of Pillow is read or changed.
"""

import contextlib
import importlib
import io
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    WebPImagePlugin,
)

from srntt.errors import InputError, SrnttError
from srntt.image._check_jpeg import with_end_marker
from srntt.image._deep import is_deep, read_deep
from srntt.image._facts import Facts, facts_of_image, facts_of_tiff
from srntt.image._formats import RAW_ADVICE, looks_like, require, sniff
from srntt.image._headers import check_header, samples_depth
from srntt.image._jxl import jxl_samples
from srntt.image._levels import ValueRange, check_value_range
from srntt.image._modes import Samples, apply_color_key, samples_of, split
from srntt.image._source import Limits, check_limits, check_pixels, refuse
from srntt.image.tiff._check import check_exif
from srntt.image.tiff._read import Page, check_tiff, choose_page, is_raw, open_with_pillow, read_page

_WARNINGS_LOCK = threading.RLock()
_ROUNDING = 2  # levels of 255 by which two decoders may differ


@dataclass(frozen=True)
class ReadOptions:
    """How to read a file: the page of a TIFF, from 1, or the first, with a note if there are more; and which values are
    black and white, for samples other than unsigned 8 or 16 bits.
    """

    limits: Limits
    page: int | None = None
    value_range: ValueRange = None

    def __post_init__(self) -> None:
        check_limits(self.limits)
        check_value_range(self.value_range)


@dataclass(frozen=True, eq=False)
class Decoded:
    """Samples before EXIF orientation is applied, the file's metadata, and the page with the number of pages."""

    samples: Samples
    facts: Facts
    page: tuple[int, int] = (1, 1)


@dataclass(frozen=True, eq=False)
class _File:
    """A file whose first bytes are those of this format."""

    kind: str
    data: bytes
    source: str


def decode(data: bytes, source: str, options: ReadOptions) -> Decoded:
    """Decodes one picture of an allowed format.

    Raises:
        PictureError: another format, beyond the limits, damaged, or incomplete.
        InputError: a page that does not exist.
        MissingDependencyError: HEIF or JPEG XL without the extra that it needs.
    """
    kind = sniff(data[:64])
    if kind is None:
        raise refuse(
            source,
            f"is not a picture in an allowed format: {looks_like(data[:64])}. Allowed, by content whatever the suffix: "
            "PNG, JPEG, WebP, TIFF, BMP, AVIF (HEIF and JPEG XL with their extras).",
        )
    require(kind)
    with _guard(source, kind):
        check_header(kind, data, source, options.limits)
        if kind == "TIFF":
            return _decode_tiff(data, source, options)
        if options.page not in (None, 1):
            raise InputError(f"{source}: there is no page {options.page}: only TIFF is read page by page.")
        image, samples = _decode(_File(kind, data, source), options)
        with quiet() as warned:
            facts = facts_of_image(image, data)
        return Decoded(replace(samples, notes=(*samples.notes, *warned)), facts)


def decode_image(image: Image.Image, source: str, options: ReadOptions) -> Decoded:
    """The same for a Pillow image, loaded or not, with the samples that Pillow decodes."""
    with _guard(source, image.format or "Pillow"):
        check_pixels(source, *image.size, options.limits)
        image.load()
        check_exif(image.info, source)
        with quiet() as warned:
            facts = facts_of_image(image)
        samples = samples_of(image, source, options.value_range)
        return Decoded(replace(samples, notes=(*samples.notes, *warned)), facts)


def _decode_tiff(data: bytes, source: str, options: ReadOptions) -> Decoded:
    """Uses our own reader, which supports every depth, and Pillow where libtiff must decode whole pictures."""
    page = choose_page(data, source, options.page)
    tags = page.tags(source)
    if is_raw(page, tags):
        raise refuse(
            source,
            f"is a camera's raw file, which {RAW_ADVICE}. Only its thumbnail could be read.",
        )
    samples = read_page(page, tags, source, options.limits, options.value_range)
    if samples is None:
        samples = _through_libtiff(page, source, options)
    facts = facts_of_tiff(tags, [])
    return Decoded(replace(samples, notes=(*page.notes, *samples.notes)), facts, (page.number, page.count))


def _through_libtiff(page: Page, source: str, options: ReadOptions) -> Samples:
    with quiet():
        image = open_with_pillow(page)
        check_pixels(source, *image.size, options.limits)
        check_tiff(image, source, options.limits)
    image.load()
    samples = samples_of(image, source, options.value_range)
    white_is_zero = image.tag_v2.get(262) == 0 and samples.color.dtype == np.uint16
    return replace(samples, color=65_535 - samples.color) if white_is_zero else samples


@contextlib.contextmanager
def _guard(source: str, kind: str) -> Iterator[None]:
    """Turns whatever a decoder raises on hostile bytes into one error with the file's name."""
    try:
        yield
    except SrnttError:
        raise
    except MemoryError as error:
        raise refuse(source, f"is too large for this machine's memory as a decoded {kind} picture.") from error
    except Exception as error:  # decoders raise all kinds: struct.error, SyntaxError, IndexError, zlib.error ...
        raise refuse(source, f"is damaged or not a whole {kind} picture ({error or type(error).__name__}).") from error


@contextlib.contextmanager
def quiet() -> Iterator[list[str]]:
    """Collects Pillow's warnings as notes, under a lock because all threads share the warning filters."""
    notes: list[str] = []
    with _WARNINGS_LOCK, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield notes
        notes += dict.fromkeys(f"Pillow: {' '.join(str(warning.message).split())}" for warning in caught)


def _decode(file: _File, options: ReadOptions) -> tuple[Image.Image, Samples]:
    image, warned = _opened(file, options.limits)
    if file.kind == "JPEG" and (whole := with_end_marker(file.data)) is not file.data:
        if whole is None:
            raise refuse(file.source, "is not a whole JPEG: its end is missing, and pixel data with it.")
        file = replace(file, data=whole)
        image, _ = _opened(file, options.limits)
        warned.append("the end marker of the JPEG is missing; all its pixel data is there")
    if is_deep(image):
        samples = split(read_deep(image, lambda: _opened(file, options.limits)[0]))
        samples = apply_color_key(samples, image.info.get("transparency"))
    else:
        image.load()
        _scale_color_key(image, file)
        samples = _deep_jxl(file, samples_of(image, file.source, options.value_range))
    check_exif(image.info, file.source)  # only now: in a PNG, EXIF may follow the pixels
    return image, replace(samples, notes=(*warned, *_notes(image, file, samples), *samples.notes))


def _opened(file: _File, limits: Limits) -> tuple[ImageFile.ImageFile, list[str]]:
    """Reads and checks the header only; also returns Pillow's warnings about it."""
    with quiet() as warned:
        image = _OPENERS[file.kind](io.BytesIO(file.data))
        check_pixels(file.source, *image.size, limits)
    return image, warned


def _notes(image: ImageFile.ImageFile, file: _File, samples: Samples) -> Iterator[str]:
    frames = getattr(image, "n_frames", 1)
    if frames > 1:
        yield f"first of {frames} frames used"
    elif file.kind == "JPEG" and "mp" in image.info:
        yield "first of several pictures in the file used"
    depth = samples_depth(file.kind, file.data)
    if file.kind in ("AVIF", "HEIF", "JXL") and depth is not None and depth > 8 and samples.color.dtype == np.uint8:
        yield f"{depth}-bit {file.kind} read with 8 bits"


def _deep_jxl(file: _File, samples: Samples) -> Samples:
    """All bits of a JPEG XL, where imagecodecs decodes them to the same colours as the plugin does its 8 bits."""
    depth = samples_depth(file.kind, file.data) if file.kind == "JXL" else None
    if depth is None or not 8 < depth <= 16 or samples.color.dtype == np.uint16:
        return samples
    pixels = jxl_samples(file.data, depth)
    deep = None if pixels is None else split(pixels)
    if deep is None or deep.color.shape != samples.color.shape or (deep.alpha is None) != (samples.alpha is None):
        return samples
    if np.abs(np.rint(deep.color / np.float32(257)) - samples.color).max() > _ROUNDING:
        return samples
    return replace(samples, color=deep.color, alpha=deep.alpha)


def _scale_color_key(image: ImageFile.ImageFile, file: _File) -> None:
    """Pillow widens 2- and 4-bit grey samples to 8 bits, but not their tRNS."""
    key = image.info.get("transparency")
    depth = samples_depth(file.kind, file.data)
    if image.mode == "L" and isinstance(key, int) and depth in (2, 4):
        image.info["transparency"] = key * (255 // (2**depth - 1))


def _open_heif(file: io.BytesIO) -> ImageFile.ImageFile:
    return importlib.import_module("pillow_heif.as_plugin").HeifImageFile(file)


def _open_jxl(file: io.BytesIO) -> ImageFile.ImageFile:
    return importlib.import_module("pillow_jxl.JpegXLImagePlugin").JXLImageFile(file)


_OPENERS: dict[str, Callable[[io.BytesIO], ImageFile.ImageFile]] = {
    "PNG": PngImagePlugin.PngImageFile,
    "JPEG": JpegImagePlugin.JpegImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "AVIF": AvifImagePlugin.AvifImageFile,
    "HEIF": _open_heif,
    "JXL": _open_jxl,
}
