"""The one guarded way from bytes of unknown origin to samples.

Each format's opener is called directly, not through ``Image.open``: that consults every registered plugin, and judges
size by a module-wide setting that all threads share. No global state of Pillow's is read or changed here.
"""

import contextlib
import importlib
import io
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from srntt.errors import SrnttError
from srntt.image._check_directories import check_exif
from srntt.image._deep import is_deep, read_deep
from srntt.image._formats import looks_like, require, sniff
from srntt.image._headers import check_header, samples_depth
from srntt.image._modes import Samples, apply_color_key, samples_of, split
from srntt.image._read_tiff import as_tiff_means, check_tiff, open_tiff
from srntt.image._source import Limits, check_pixels, refuse

__all__ = ["decode", "decode_image", "quiet"]

_WARNINGS_LOCK = threading.RLock()


@dataclass(frozen=True, eq=False)
class _File:
    """Bytes that begin like a picture of this kind."""

    kind: str
    data: bytes
    source: str


def decode(data: bytes, source: str, limits: Limits) -> tuple[Image.Image, Samples]:
    """Decodes the first picture of an allowed format, whole.

    Returns:
        the loaded Pillow image (for its metadata) and its samples, not yet turned as EXIF says.

    Raises:
        PictureError: another format, beyond the limits, damaged, or not whole.
        MissingDependencyError: HEIF or JPEG XL without the extra that reads it.
    """
    kind = sniff(data[:64])
    if kind is None:
        raise refuse(
            source,
            f"is no picture of an allowed format: {looks_like(data[:64])}. Allowed, by content whatever the suffix: "
            "PNG, JPEG, WebP, TIFF, BMP, AVIF (and HEIF, JPEG XL with their extras).",
        )
    require(kind)
    with _guard(source, kind):
        check_header(kind, data, source, limits)
        return _decode(_File(kind, data, source), limits)


def decode_image(image: Image.Image, source: str, limits: Limits) -> tuple[Image.Image, Samples]:
    """The same for an image that Pillow has opened, loaded or not; it comes as Pillow decodes it."""
    with _guard(source, image.format or "Pillow"):
        check_pixels(source, *image.size, limits)
        image.load()
        check_exif(image.info, source)
        return image, samples_of(image, source)


@contextlib.contextmanager
def _guard(source: str, kind: str) -> Iterator[None]:
    """Whatever a decoder raises on hostile bytes leaves as one error with the file's name."""
    try:
        yield
    except SrnttError:
        raise
    except MemoryError as error:
        raise refuse(source, f"is too large for this machine's memory as a decoded {kind} picture.") from error
    except Exception as error:  # decoders raise anything: struct.error, SyntaxError, IndexError, zlib.error ...
        raise refuse(source, f"is damaged or not a whole {kind} picture ({error or type(error).__name__}).") from error


@contextlib.contextmanager
def quiet() -> Iterator[list[str]]:
    """Collects Pillow's warnings about headers as notes. Under a lock, for the filters are shared by all threads."""
    notes: list[str] = []
    with _WARNINGS_LOCK, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield notes
        notes += dict.fromkeys(f"Pillow: {' '.join(str(warning.message).split())}" for warning in caught)


def _decode(file: _File, limits: Limits) -> tuple[Image.Image, Samples]:
    image, warned = _opened(file, limits)
    if is_deep(image):
        samples = split(read_deep(image, lambda: _opened(file, limits)[0]))
        samples = apply_color_key(samples, image.info.get("transparency"))
    else:
        image.load()
        _scale_color_key(image, file)
        samples = samples_of(image, file.source)
    check_exif(image.info, file.source)  # only now: a PNG's may come after its pixels
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        samples = as_tiff_means(samples, image)
    return image, replace(samples, notes=(*warned, *_said(image, file), *samples.notes))


def _opened(file: _File, limits: Limits) -> tuple[ImageFile.ImageFile, list[str]]:
    """Reads and checks the header only; also returns Pillow's warnings about it."""
    with quiet() as warned:
        image = _OPENERS[file.kind](io.BytesIO(file.data))
        check_pixels(file.source, *image.size, limits)
        if isinstance(image, TiffImagePlugin.TiffImageFile):
            check_tiff(image, file.source, limits)
            image.getexif()  # which loading would do, and warn about
    return image, warned


def _said(image: ImageFile.ImageFile, file: _File) -> Iterator[str]:
    frames = 1 if file.kind == "TIFF" else getattr(image, "n_frames", 1)
    if frames > 1:
        yield f"first of {frames} frames used"
    elif isinstance(image, TiffImagePlugin.TiffImageFile) and image.is_animated:
        yield "first of several pages used"
    elif file.kind == "JPEG" and "mp" in image.info:
        yield "first of several pictures in the file used"
    depth = samples_depth(file.kind, file.data)
    if file.kind in ("AVIF", "HEIF") and depth is not None and depth > 8:
        yield f"{depth}-bit {file.kind} read with 8 bits"


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
    "TIFF": open_tiff,
    "BMP": BmpImagePlugin.BmpImageFile,
    "AVIF": AvifImagePlugin.AvifImageFile,
    "HEIF": _open_heif,
    "JXL": _open_jxl,
}
