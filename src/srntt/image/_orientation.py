"""EXIF orientation, and evidence that it was applied already although the tag is still set."""

import io
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from srntt._shapes import Float, Shaped
from srntt.image.tiff._directory import Block, Directory
from srntt.image.tiff._exif import EXIF_IFD, ORIENTATION

_SIZES = ((EXIF_IFD, 0xA002, 0xA003), (None, 0x0100, 0x0101))
_THUMBNAIL, _THUMBNAIL_BYTES, _MOST_PIXELS = 0x0201, 0x0202, 2**20
_SIDE, _ALIKE, _CLEARLY = 16, 0.5, 0.1  # side of the reduced pictures; limits of their correlation


def upright(pixels: Shaped[np.ndarray, "h w *c"], turn: int) -> Shaped[np.ndarray, "h2 w2 *c"]:
    """Undoes an EXIF orientation (EXIF 2.32, section 4.6.4, tag 0x0112)."""
    if turn >= 5:
        pixels = pixels.swapaxes(0, 1)
    if turn in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if turn in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def orientation_in_file(exif: Directory | None, notes: list[str]) -> int:
    """EXIF's orientation, which viewers apply (Pillow also reads XMP's). 1 if missing or invalid."""
    turn = _sane(exif.number(ORIENTATION, 1)) if exif else 1
    if turn != 1:
        notes.append(f"rotated by EXIF orientation {turn}")
    return turn


def orientation_of_image(image: Image.Image, exif: Directory | None, notes: list[str]) -> int:
    """The same for an image in memory, which may have been rotated already although Pillow has kept the tag."""
    try:
        turn = _sane(image.getexif().get(ORIENTATION, 1))
    except Exception:  # damaged: Pillow raises all kinds of errors
        turn = _sane(exif.number(ORIENTATION, 1)) if exif else 1
    if turn == 1:
        return 1
    if image.format is not None:  # as opened
        notes.append(f"rotated by EXIF orientation {turn}")
    elif evidence := next(_evidence(image, exif, turn), None):
        notes.append(f"not rotated: EXIF orientation {turn} was applied already, as the {evidence} shows")
        return 1
    else:
        notes.append(f"rotated by EXIF orientation {turn}. If it was applied already: del image.getexif()[274]")
    return turn


def _sane(value: Any) -> int:
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _evidence(image: Image.Image, exif: Directory | None, turn: int) -> Iterator[str]:
    """What in EXIF describes the camera's picture and matches this one only if it was rotated."""
    for within, width, height in _SIZES:
        tags = exif if exif is None or within is None else exif.inner.get(within)
        if turn >= 5 and tags and (tags.number(width, 0), tags.number(height, 0)) == image.size[::-1] != image.size:
            yield "size in EXIF"
    small = _thumbnail(image.info.get("exif"))
    if small is not None:
        here = _reduced(image)
        turned, as_it_was = _correlation(here, upright(small, turn)), _correlation(here, small)
        if turned > max(_ALIKE, as_it_was + _CLEARLY):
            yield "thumbnail in EXIF"


def _thumbnail(exif: Any) -> Float[np.ndarray, "16 16"] | None:
    """EXIF's thumbnail, reduced; None if there is none."""
    block = Block.of(exif) if isinstance(exif, bytes) else None
    found = block.places(2) if block else []
    if block is None or len(found) < 2:
        return None
    tags = block.directory(found[1])
    at, size = tags.number(_THUMBNAIL, 0), tags.number(_THUMBNAIL_BYTES, 0)
    with suppress(Exception):  # damaged: Pillow raises all kinds of errors
        image = JpegImageFile(io.BytesIO(block.data[at : at + size]))
        if image.width * image.height <= _MOST_PIXELS:
            return _reduced(image)
    return None


def _reduced(image: Image.Image) -> Float[np.ndarray, "16 16"]:
    return np.asarray(image.convert("L").resize((_SIDE, _SIDE), Image.Resampling.BOX), np.float64)


def _correlation(one: Float[np.ndarray, "h w"], other: Float[np.ndarray, "h w"]) -> float:
    one, other = one - one.mean(), other - other.mean()
    return float((one * other).sum() / max(np.sqrt((one**2).sum() * (other**2).sum()), 1e-9))
