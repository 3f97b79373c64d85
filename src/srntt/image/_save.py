"""``save`` and ``check_output``: whole files or none, and everything that can be known is known before the work."""

import os
import stat

from srntt._files import exists_error, whole_file
from srntt.errors import InputError, OutputError
from srntt.image._encode import encode
from srntt.image._formats import FORMATS, Format, format_of, require
from srntt.image._picture import Picture

__all__ = ["check_output", "save"]


def save(
    picture: Picture, path: str | os.PathLike, *, overwrite: bool = False, strip: bool = False, quality: int = 95
) -> tuple[str, ...]:
    """Writes a picture in the format of the path's suffix.

    The file appears whole or not at all: a temporary file in the same folder is written, flushed, synced and renamed,
    and removed on any error and on Ctrl-C. Symbolic links are replaced, not followed.

    Args:
        picture: what to write. Alpha that hides nothing is dropped where the format has none.
        path: ends in .png, .jpg, .webp, .tif, .bmp, .avif (.heic and .jxl with their extras).
        overwrite: replace an existing file.
        strip: write no ICC profile, EXIF, resolution or gamma.
        quality: 1..100 for JPEG (4:4:4), WebP, AVIF (4:4:4), HEIF and JPEG XL; the others are lossless.

    Returns:
        what the format could not hold, for the person to know; usually nothing.

    Raises:
        OutputError, MissingDependencyError: whatever ``check_output`` finds, or a failure to write.
        InputError: quality out of range.

    Example:
        >>> import numpy as np, tempfile
        >>> from srntt.image import load
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     notes = save(load(np.zeros((2, 3), np.uint8)), f"{folder}/black.png")
        ...     load(f"{folder}/black.png").is_gray, notes
        (True, ())
    """
    if not 1 <= quality <= 100:
        raise InputError(f"quality {quality}: must be 1..100.")
    name = os.fsdecode(path)
    form = _checked(name, picture.width, picture.height, not picture.opaque, picture.bits, overwrite)
    with whole_file(name, overwrite=overwrite) as file:
        return encode(picture, form, file, strip=strip, quality=quality)


def check_output(
    path: str | os.PathLike,
    *,
    width: int,
    height: int,
    alpha: bool = False,
    bits: int = 8,
    overwrite: bool = False,
) -> None:
    """Raises now what ``save`` would raise after the work.

    Args:
        path: of the output.
        width: of the output, in pixels.
        height: likewise.
        alpha: it will have transparent pixels (``not picture.opaque``).
        bits: 8 or 16 a sample.
        overwrite: an existing file may be replaced.

    Raises:
        MissingDependencyError: a format whose extra is not installed.
        OutputError: unknown suffix; no such folder, or one that cannot be written to; an existing file without
            ``overwrite``; a folder, device or FIFO of that name; a format that cannot hold such a picture.
    """
    _checked(os.fsdecode(path), width, height, alpha, bits, overwrite)


def _checked(path: str, width: int, height: int, alpha: bool, bits: int, overwrite: bool) -> Format:
    form = format_of(path)
    require(form.name)
    _check_place(path, overwrite)
    _check_holds(path, form, width, height, alpha, bits)
    return form


def _check_place(path: str, overwrite: bool) -> None:
    folder = os.path.dirname(path) or "."
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        if not os.path.isdir(folder):
            raise OutputError(f"{path}: there is no folder {folder}. Create it first.") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise OutputError(f"{ascii(path) if chr(0) in path else path}: cannot be written: {reason}.") from error
    else:
        if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
            raise OutputError(f"{path}: is a folder or a special file. Give the name of a file.")
        if not overwrite:
            raise exists_error(path)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"{path}: the folder {folder} cannot be written to. Choose another or change its mode.")


def _check_holds(path: str, form: Format, width: int, height: int, alpha: bool, bits: int) -> None:
    if max(width, height) > form.max_side or width * height > form.max_pixels:
        allowed = f"{form.max_side:,} a side"
        if form.max_pixels < form.max_side**2:
            allowed += f" and {form.max_pixels:,} in all"
        raise OutputError(f"{path}: {width} x {height} pixels; {form.name} holds {allowed}. Choose .png or .tif.")
    if alpha and not form.alpha:
        keep = ", ".join(other.suffixes[0] for other in FORMATS if other.alpha)
        raise OutputError(f"{path}: the picture has transparent pixels and {form.name} has none. Choose one of {keep}.")
    if bits > form.bits:
        raise OutputError(
            f"{path}: the picture has {bits} bits a sample and {form.name} holds {form.bits}. "
            "Choose .png or .tif, or allow the loss: --bits 8, in Python Picture.to_8bit()."
        )
    size = width * height * (4 if alpha else 3) * (bits // 8)
    if size > form.max_bytes:
        raise OutputError(f"{path}: {size:,} bytes of samples; {form.name} holds {form.max_bytes:,}. Choose .png.")
