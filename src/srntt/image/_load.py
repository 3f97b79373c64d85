"""``load``: a picture from whatever holds one."""

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

__all__ = ["Source", "load"]

Source = str | os.PathLike | bytes | BinaryFile | Image.Image | np.ndarray | Tensor | Picture


def load(
    source: Source,
    *,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    page: int | None = None,
    value_range: ValueRange = None,
    alpha: Ground = "auto",
) -> Picture:
    """Loads a picture; the only way in for bytes of unknown origin.

    Args:
        source: a path; the bytes of a file, or a file open for reading bytes; a PIL image (which comes as Pillow
            decoded it: 16-bit RGB has lost 8 bits there, so give the path instead); an array (h, w[, 1 | 2 | 3 | 4])
            of uint8, uint16 or floats in [0, 1]; a tensor ([1 | 2 | 3 | 4, ]h, w) of the same; a Picture, which is
            returned as it is. Channels come last in arrays and first in tensors, whatever the sizes: nothing is
            guessed.
        limits: ceilings, checked before anything is decoded.
        page: of a TIFF of several, from 1. ``Picture.metadata.page`` tells how many there are.
        value_range: the values that are black and white, ``auto`` for the least and the greatest that there are: for
            floats outside [0, 1] and for signed or 32-bit integers. They come back in their own type.
        alpha: what the colour of transparent pixels is worth: ``straight``, kept as it is; ``bleed``, nothing, so that
            the nearest visible colour takes its place; ``auto``, straight unless all of them have one colour.

    Returns:
        the picture, turned upright as its EXIF orientation says, with a note; but a Pillow image that was turned by
        hand is not turned again, as far as the size or thumbnail in EXIF shows that it was.

    Raises:
        PictureError: a file that cannot be opened, is not a regular file, of no allowed format, beyond the limits,
            damaged, or not whole.
        InputError: an array or tensor of another shape, dtype or range; a page that is not there.
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
        return _plain(samples_from_array(source, value_range), "<array>", alpha)
    if isinstance(source, Tensor):
        return _plain(samples_from_tensor(source, value_range), "<tensor>", alpha)
    if isinstance(source, Image.Image):
        name = str(getattr(source, "filename", "") or "<PIL image>")
        return _with_metadata(decode_image(source, name, options), name, alpha)
    if isinstance(source, bytes):
        check_bytes("<bytes>", len(source), limits)
        return _with_metadata(decode(source, "<bytes>", options), "<bytes>", alpha)
    if isinstance(source, str | os.PathLike):
        name = os.fsdecode(source)
        return _with_metadata(decode(read_file(name, limits), name, options), name, alpha)
    if isinstance(source, BinaryFile):
        name = str(getattr(source, "name", "")) or "<file>"
        return _with_metadata(decode(read_open(source, name, limits), name, options), name, alpha)
    raise InputError(
        f"cannot load a picture from {type(source).__name__}: give a path, bytes, open file, PIL image, array, tensor."
    )


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
