"""Baseline TIFF writing, 8 and 16 bits (TIFF 6.0; Adobe deflate). Pillow cannot write 16-bit colour."""

import zlib
from typing import BinaryIO

import numpy as np
from PIL import Image, TiffTags
from PIL import TiffImagePlugin as Tiff

from srntt._shapes import Shaped
from srntt.image._metadata import Metadata
from srntt.image._picture import Picture

__all__ = ["write_tiff"]

_STRIP_BYTES = 2**18
_ADOBE_DEFLATE, _HORIZONTAL_DIFFERENCES, _UNASSOCIATED_ALPHA, _INCH = 8, 2, 2, 2
_PREDICTOR = 317


def write_tiff(
    file: BinaryIO, picture: Picture, metadata: Metadata, exif: Image.Exif | None, *, level: int = 1
) -> None:
    """Writes little-endian strips, differenced and deflated; the packed strips are held until all are done.

    Args:
        file: where to; at its beginning.
        picture: its samples; 8 or 16 bits, with or without alpha.
        metadata: its ICC profile and resolution are written.
        exif: its tags go into the TIFF's own directory.
        level: zlib's 0..9.
    """
    channels = picture.color.shape[2] + (picture.alpha is not None)
    rows = max(1, _STRIP_BYTES // (picture.width * channels * picture.bits // 8))
    strips = [_packed(picture.interleaved(top, top + rows), level) for top in range(0, picture.height, rows)]
    sizes = [len(strip) for strip in strips]
    tags = Tiff.ImageFileDirectory_v2(ifh=b"II\x2a\0\x08\0\0\0")
    for tag, value in (exif or {}).items():
        tags[tag] = value
    if metadata.dpi:
        tags[Tiff.X_RESOLUTION], tags[Tiff.Y_RESOLUTION] = metadata.dpi
        tags[Tiff.RESOLUTION_UNIT] = _INCH
    if metadata.icc:
        tags.tagtype[Tiff.ICCPROFILE] = TiffTags.UNDEFINED
        tags[Tiff.ICCPROFILE] = metadata.icc
    if channels in (2, 4):
        tags[Tiff.EXTRASAMPLES] = _UNASSOCIATED_ALPHA
    tags[Tiff.IMAGEWIDTH], tags[Tiff.IMAGELENGTH] = picture.width, picture.height
    tags[Tiff.BITSPERSAMPLE] = (picture.bits,) * channels
    tags[Tiff.SAMPLESPERPIXEL] = channels
    tags[Tiff.COMPRESSION] = _ADOBE_DEFLATE
    tags[_PREDICTOR] = _HORIZONTAL_DIFFERENCES
    tags[Tiff.PHOTOMETRIC_INTERPRETATION] = 2 if channels > 2 else 1
    tags[Tiff.ROWSPERSTRIP] = rows
    for tag, values in ((Tiff.STRIPOFFSETS, np.cumsum([0, *sizes[:-1]]).tolist()), (Tiff.STRIPBYTECOUNTS, sizes)):
        tags.tagtype[tag] = TiffTags.LONG  # Pillow adds where the strips begin to the offsets
        tags[tag] = tuple(values)
    tags.save(file)
    file.writelines(strips)


def _packed(strip: Shaped[np.ndarray, "h w c"], level: int) -> bytes:
    differences = strip.astype(strip.dtype.newbyteorder("<"))
    differences[:, 1:] -= strip[:, :-1]  # modulo 2**8 or 2**16, as the predictor is defined
    return zlib.compress(differences.tobytes(), level)
