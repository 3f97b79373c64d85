"""``load``: a picture from whatever holds one."""

import os

import numpy as np
from PIL import Image
from torch import Tensor

from srntt._shapes import Shaped
from srntt.errors import InputError
from srntt.image._arrays import samples_from_array, samples_from_tensor
from srntt.image._decode import decode, decode_image, quiet
from srntt.image._metadata import read_metadata, read_orientation
from srntt.image._modes import Samples
from srntt.image._picture import Picture
from srntt.image._source import BinaryFile, Limits, check_bytes, read_file, read_open

__all__ = ["Source", "load"]

Source = str | os.PathLike | bytes | BinaryFile | Image.Image | np.ndarray | Tensor | Picture


def load(source: Source, *, limits: Limits = Limits()) -> Picture:  # noqa: B008 - frozen
    """Loads a picture; the only way in for bytes of unknown origin.

    Args:
        source: a path; the bytes of a file, or a file open for reading bytes; a PIL image (which comes as Pillow
            decoded it: 16-bit RGB has lost 8 bits there, so give the path instead); an array (h, w[, 1 | 2 | 3 | 4])
            of uint8, uint16 or floats in [0, 1]; a tensor ([1 | 2 | 3 | 4, ]h, w) of the same; a Picture, which is
            returned as it is. Channels come last in arrays and first in tensors, whatever the sizes: nothing is
            guessed.
        limits: ceilings, checked before anything is decoded.

    Returns:
        the picture, turned upright as its EXIF orientation says.

    Raises:
        PictureError: a file that cannot be opened, is not a regular file, of no allowed format, beyond the limits,
            damaged, or not whole.
        InputError: an array or tensor of another shape, dtype or range.
        MissingDependencyError: HEIF or JPEG XL without the extra that reads it.

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
    if isinstance(source, np.ndarray):
        return _plain(samples_from_array(source), "<array>")
    if isinstance(source, Tensor):
        return _plain(samples_from_tensor(source), "<tensor>")
    if isinstance(source, Image.Image):
        name = getattr(source, "filename", "") or "<PIL image>"
        return _with_metadata(*decode_image(source, str(name), limits), str(name))
    if isinstance(source, bytes):
        check_bytes("<bytes>", len(source), limits)
        return _with_metadata(*decode(source, "<bytes>", limits), "<bytes>")
    if isinstance(source, str | os.PathLike):
        name = os.fsdecode(source)
        return _with_metadata(*decode(read_file(name, limits), name, limits), name)
    if isinstance(source, BinaryFile):
        name = str(getattr(source, "name", "")) or "<file>"
        return _with_metadata(*decode(read_open(source, name, limits), name, limits), name)
    raise InputError(
        f"cannot load a picture from {type(source).__name__}: give a path, bytes, open file, PIL image, array, tensor."
    )


def _plain(samples: Samples, source: str) -> Picture:
    return Picture(samples.color, samples.alpha, notes=samples.notes, source=source)


def _with_metadata(image: Image.Image, samples: Samples, source: str) -> Picture:
    with quiet() as warned:
        turn = read_orientation(image)
        metadata, notes = read_metadata(image, gray=samples.color.shape[2] == 1, converted=samples.converted)
    return Picture(
        color=_upright(samples.color, turn),
        alpha=None if samples.alpha is None else _upright(samples.alpha, turn),
        metadata=metadata,
        notes=tuple(dict.fromkeys((*samples.notes, *warned, *notes))),
        source=source,
    )


def _upright(pixels: Shaped[np.ndarray, "h w *c"], turn: int) -> Shaped[np.ndarray, "h2 w2 *c"]:
    """Undoes an EXIF orientation (EXIF 2.32, section 4.6.4, tag 0x0112)."""
    if turn >= 5:
        pixels = pixels.swapaxes(0, 1)
    if turn in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if turn in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)
