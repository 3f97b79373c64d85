"""``save`` and ``check_output``: files are written completely or not at all, and checks come before the work."""

import io
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from srntt._files import exists_error, whole_file
from srntt.errors import InputError, OutputError
from srntt.image._encode import encode, encode_pages
from srntt.image._formats import FORMATS, Format, format_of, holds_pages, require
from srntt.image._picture import Picture
from srntt.image._source import ByteSink

Quality = int | Literal["lossless"] | None


def save(
    picture: Picture,
    path: str | os.PathLike | ByteSink,
    *,
    overwrite: bool = False,
    strip: bool = False,
    quality: Quality = None,
    format: str | None = None,
) -> tuple[str, ...]:
    """Writes a picture in the format of the path's suffix.

    The file is written completely or not at all: a temporary file in the same folder is written, synced and renamed,
    or removed on any error and on Ctrl-C. Symbolic links are replaced, not followed.

    Args:
        picture: what to write. An opaque alpha channel is dropped if the format has none.
        path: ends in .png, .jpg, .webp, .tif, .bmp, .avif (.heic and .jxl with their extras); or a file open for
            writing bytes, with ``format``.
        overwrite: replace an existing file.
        strip: write no EXIF, XMP, IPTC, text or resolution, and no ICC profile: the colours are converted to sRGB.
        quality: 1..100 for JPEG (4:4:4), WebP, AVIF (4:4:4), HEIF and JPEG XL, or ``lossless`` for WebP and JPEG XL.
            None: 95, or lossless where the source is a lossless WebP or JPEG XL. Other formats are always lossless.
        format: a suffix such as ``png``, for an open file.

    Returns:
        notes on what the format could not store; usually none.

    Raises:
        OutputError, MissingDependencyError: as ``check_output``, or a failure to write.
        InputError: quality out of range.

    Example:
        >>> import numpy as np, tempfile
        >>> from srntt.image import load
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     notes = save(load(np.zeros((2, 3), np.uint8)), f"{folder}/black.png")
        ...     load(f"{folder}/black.png").is_gray, notes
        (True, ())
    """
    check_quality(quality)
    if not isinstance(path, str | os.PathLike):
        return _save_open(picture, path, strip, quality, format)
    name = os.fsdecode(path)
    form = _checked(name, _Needs.of(picture, quality), overwrite)
    with whole_file(name, overwrite=overwrite) as file:
        return encode(picture, form, file, strip=strip, **_coding(picture, form, quality))


def save_pages(
    pictures: Iterable[Picture], path: str | os.PathLike, *, count: int, overwrite: bool = False, strip: bool = False
) -> tuple[str, ...]:
    """Writes pictures as the pages of a TIFF, one at a time; they may come from a generator.

    Args:
        pictures: in order.
        path: ends in .tif.
        count: number of pages.
        overwrite: replace an existing file.
        strip: as in ``save``.

    Returns:
        notes on what TIFF could not store, and on pages beyond the first.

    Raises:
        OutputError: another suffix, or a failure to write.
    """
    name = os.fsdecode(path)
    form = format_of(name)
    if not holds_pages(name):
        raise OutputError(
            f"{name}: the file has {count} pages and {form.name} stores one. End the name with .tif, or choose a page: "
            "--page N."
        )
    check_place(name, overwrite)
    with whole_file(name, overwrite=overwrite) as file:
        return encode_pages(pictures, form, file, count=count, strip=strip)


def check_quality(quality: Quality) -> None:
    """Raises InputError for an invalid quality."""
    if quality is None or quality == "lossless":
        return
    if not isinstance(quality, int) or not 1 <= quality <= 100:
        raise InputError(f"quality {quality}: must be 1..100, or lossless.")


def _save_open(picture: Picture, file: ByteSink, strip: bool, quality: Quality, format: str | None) -> tuple[str, ...]:
    if format is None:
        raise InputError("an open file has no suffix: set the format, such as format='png'.")
    form = format_of(f"<file>.{format.lower().lstrip('.')}")
    require(form.name)
    _check_holds("<file>", form, _Needs.of(picture, quality))
    whole = io.BytesIO()
    notes = encode(picture, form, whole, strip=strip, **_coding(picture, form, quality))
    file.write(whole.getvalue())
    return notes


def _coding(picture: Picture, form: Format, quality: Quality) -> dict[str, Any]:
    lossless = quality == "lossless" or (quality is None and picture.metadata.lossless)
    number = quality if isinstance(quality, int) else 95
    return {"quality": number, "lossless": lossless and form.lossless}


@dataclass(frozen=True)
class _Needs:
    """What a format must support."""

    width: int
    height: int
    alpha: bool
    bits: int
    cicp: bool
    lossless: bool

    @classmethod
    def of(cls, picture: Picture, quality: Quality) -> "_Needs":
        bits = 8 if picture.levels else picture.bits  # a range of values is mapped to the bits of the format
        return cls(
            picture.width,
            picture.height,
            not picture.opaque,
            bits,
            picture.metadata.cicp is not None,
            quality == "lossless",
        )


def check_output(
    path: str | os.PathLike,
    *,
    width: int,
    height: int,
    alpha: bool = False,
    bits: int = 8,
    overwrite: bool = False,
    cicp: bool = False,
    lossless: bool = False,
) -> None:
    """Raises now what ``save`` would raise after the work, for a picture of this width and height in pixels.

    Args:
        path: of the output.
        width: in pixels, as is ``height``.
        alpha: it will have transparent pixels (``not picture.opaque``).
        bits: 8 or 16 per sample.
        overwrite: replace an existing file.
        cicp: its colours are wide gamut or HDR by code points (``picture.metadata.cicp``).
        lossless: lossless quality is requested.

    Raises:
        MissingDependencyError: a format whose extra is not installed.
        OutputError: unknown suffix; missing or read-only folder; an existing file without ``overwrite``; a folder,
            device or FIFO of that name; a format that cannot store such a picture.
    """
    _checked(os.fsdecode(path), _Needs(width, height, alpha, bits, cicp, lossless), overwrite)


def _checked(path: str, needs: _Needs, overwrite: bool) -> Format:
    form = format_of(path)
    require(form.name)
    check_place(path, overwrite)
    _check_holds(path, form, needs)
    return form


def check_place(path: str, overwrite: bool) -> None:
    """Raises OutputError for a name that no file can be written under: taken, or in no folder to write to."""
    folder = os.path.dirname(path) or "."
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        if not os.path.isdir(folder):
            raise OutputError(f"{path}: the folder {folder} does not exist. Create it first.") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise OutputError(f"{ascii(path) if chr(0) in path else path}: cannot be written: {reason}.") from error
    else:
        if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
            raise OutputError(f"{path}: is a folder or a special file. Give the name of a file.")
        if not overwrite:
            raise exists_error(path)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(
            f"{path}: the folder {folder} cannot be written to. Choose another or change its permissions."
        )


def _check_holds(path: str, form: Format, needs: _Needs) -> None:
    width, height = needs.width, needs.height
    if max(width, height) > form.max_side or width * height > form.max_pixels:
        allowed = f"{form.max_side:,} per side"
        if form.max_pixels < form.max_side**2:
            allowed += f" and {form.max_pixels:,} in total"
        raise OutputError(
            f"{path}: {width} x {height} pixels; {form.name} is limited to {allowed}. Choose .png or .tif."
        )
    if needs.alpha and not form.alpha:
        keep = ", ".join(other.suffixes[0] for other in FORMATS if other.alpha)
        raise OutputError(
            f"{path}: the picture has transparent pixels, which {form.name} does not support. Choose one of {keep}."
        )
    if needs.bits > form.bits:
        raise OutputError(
            f"{path}: the picture has {needs.bits} bits per sample and {form.name} stores {form.bits}. "
            "Choose .png or .tif, or allow the loss: --bits 8, in Python Picture.to_8bit()."
        )
    if needs.cicp and not form.cicp:
        raise OutputError(
            f"{path}: the picture has wide-gamut or HDR colours (CICP), which {form.name} cannot declare. Choose "
            ".png or .avif, or convert the picture to sRGB first."
        )
    if needs.lossless and not form.lossless:
        keep = ", ".join(other.suffixes[0] for other in FORMATS if other.lossless)
        raise OutputError(f"{path}: {form.name} is lossy. Choose one of {keep}, or a quality of 1..100.")
    size = width * height * (4 if needs.alpha else 3) * (needs.bits // 8)
    if size > form.max_bytes:
        raise OutputError(
            f"{path}: {size:,} bytes of samples; {form.name} is limited to {form.max_bytes:,}. Choose .png."
        )
