"""``load``: reads a picture from any source."""

import os

import numpy as np
from PIL import Image
from torch import Tensor

from srntt.errors import InputError
from srntt.image._arrays import samples_from_array, samples_from_tensor
from srntt.image._decode import Decoded, ReadOptions, decode, decode_image
from srntt.image._levels import ValueRange
from srntt.image._metadata import metadata_of
from srntt.image._modes import Samples
from srntt.image._orientation import upright
from srntt.image._picture import Ground, Picture
from srntt.image._source import BinaryFile, Limits, check_bytes, read_file, read_open

Source = str | os.PathLike | bytes | BinaryFile | Image.Image | np.ndarray | Tensor | Picture


def load(
    source: Source,
    *,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    page: int | None = None,
    value_range: ValueRange = None,
    alpha: Ground = "auto",
) -> Picture:
    """Loads a picture. All bytes of unknown origin enter here.

    Args:
        source: a path; the bytes of a file, or a file open for reading bytes; a PIL image (with the samples that Pillow
            decoded: 16-bit RGB has lost 8 bits, so pass the path instead); an array (h, w[, 1 | 2 | 3 | 4]) of uint8,
            uint16 or floats in [0, 1]; a tensor ([1 | 2 | 3 | 4, ]h, w) of the same; a Picture, which is returned
            unchanged. Channels come last in arrays and first in tensors, whatever the sizes.
        limits: maximum sizes, checked before anything is decoded.
        page: of a TIFF of several, from 1. ``Picture.metadata.page`` has the number of pages.
        value_range: the values of black and white, or ``auto`` for the minimum and maximum; for floats outside [0, 1]
            and for signed or 32-bit integers. Outputs have the same type.
        alpha: how the colour of transparent pixels is used: ``straight``, unchanged; ``bleed``, replaced by the nearest
            visible colour; ``auto``, straight unless all of them have the same colour.

    Returns:
        the picture, with its EXIF orientation applied and a note. A Pillow image that was already rotated is not
        rotated again if the size or thumbnail in its EXIF shows it.

    Raises:
        PictureError: a file that cannot be opened, is not a regular file, has an unsupported format, is beyond the
            limits, damaged or incomplete.
        InputError: unsupported shape, dtype or range of an array or tensor; a tensor without values; a page that does
            not exist; a range or limits of another type.
        MissingDependencyError: HEIF, JPEG XL, or a TIFF of a rare compression without the extra that reads it.

    Example:
        >>> import numpy as np
        >>> picture = load(np.zeros((2, 3), np.uint8))
        >>> picture.height, picture.width, picture.is_gray, picture.bits
        (2, 3, True, 8)
        >>> tuple(picture.rgb().shape)
        (3, 2, 3)
    """
    if isinstance(source, Picture):
        return source
    options = ReadOptions(limits, page, value_range)
    if isinstance(source, np.ndarray):
        return _plain(samples_from_array(source, options), "<array>", alpha)
    if isinstance(source, Tensor):
        return _plain(samples_from_tensor(source, options), "<tensor>", alpha)
    if isinstance(source, Image.Image):
        name = str(getattr(source, "filename", "") or "<PIL image>")
        return _with_metadata(decode_image(source, name, options), name, alpha)
    if isinstance(source, bytes):
        return load_content(source, "<bytes>", limits=limits, page=page, value_range=value_range, alpha=alpha)
    if isinstance(source, str | os.PathLike):
        name = os.fsdecode(source)
        return _with_metadata(decode(read_file(name, limits), name, options), name, alpha)
    if isinstance(source, BinaryFile):
        name = str(getattr(source, "name", None) or "<file>")  # None for a temporary file
        return _with_metadata(decode(read_open(source, name, limits), name, options), name, alpha)
    raise InputError(
        f"cannot load a picture from {type(source).__name__}: give a path, bytes, open file, PIL image, array, tensor."
    )


def load_content(
    content: bytes,
    source: str,
    *,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    page: int | None = None,
    value_range: ValueRange = None,
    alpha: Ground = "auto",
) -> Picture:
    """Loads the content of a file that has been read already, so that a hash of it is of exactly what is decoded.

    ``source`` is its path or URL, for messages; all else, and what is raised, is as for ``load``.
    """
    check_bytes(source, len(content), limits)
    return _with_metadata(decode(content, source, ReadOptions(limits, page, value_range)), source, alpha)


def _plain(samples: Samples, source: str, alpha: Ground) -> Picture:
    picture = Picture(
        samples.color, samples.alpha, notes=samples.notes, source=source, bands=samples.bands, levels=samples.levels
    )
    return picture.on_ground(alpha)


def _with_metadata(decoded: Decoded, source: str, alpha: Ground) -> Picture:
    samples, turn = decoded.samples, decoded.facts.orientation
    color = upright(samples.color, turn)
    metadata, notes = metadata_of(
        decoded.facts,
        size=(color.shape[1], color.shape[0]),
        gray=color.shape[2] == 1,
        converted=samples.converted,
        page=decoded.page,
    )
    picture = Picture(
        color=color,
        alpha=None if samples.alpha is None else upright(samples.alpha, turn),
        metadata=metadata,
        notes=tuple(dict.fromkeys((*samples.notes, *notes))),
        source=source,
        bands=None if samples.bands is None else upright(samples.bands, turn),
        levels=samples.levels,
    )
    return picture.on_ground(alpha)
