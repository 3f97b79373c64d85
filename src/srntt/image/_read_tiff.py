"""What Pillow's TIFF reader leaves to others: grey with 16-bit alpha, 12 bits, white-is-zero beyond 8 bits, signs."""

import io
from dataclasses import replace

import numpy as np
from PIL import TiffImagePlugin as Tiff

from srntt.image._modes import Samples
from srntt.image._source import Limits, refuse

__all__ = ["GrayAlphaTiff", "as_tiff_means", "check_tiff", "open_tiff"]

_AS_RGBA = {
    Tiff.BITSPERSAMPLE: (8, 8, 8, 8),
    Tiff.PHOTOMETRIC_INTERPRETATION: 2,
    Tiff.SAMPLESPERPIXEL: 4,
    Tiff.EXTRASAMPLES: (2,),
}


class GrayAlphaTiff(Tiff.TiffImageFile):
    """A 16-bit grey+alpha TIFF, which Pillow does not know, opened as the 8-bit RGBA picture of the same bytes."""

    def _setup(self) -> None:
        for tag, value in _AS_RGBA.items():
            self.tag_v2[tag] = value
        super()._setup()


def open_tiff(file: io.BytesIO) -> Tiff.TiffImageFile:
    """Reads the header only."""
    tags = Tiff.ImageFileDirectory_v2(file.read(8))
    if not tags._bigtiff:
        file.seek(tags.next)
        tags.load(file)
    file.seek(0)
    return GrayAlphaTiff(file) if _is_gray_alpha(tags) else Tiff.TiffImageFile(file)


def _is_gray_alpha(tags: Tiff.ImageFileDirectory_v2) -> bool:
    """True for black-is-zero grey and straight alpha of 16 unsigned bits each."""
    return (
        tags.get(Tiff.BITSPERSAMPLE) == (16, 16)
        and tags.get(Tiff.PHOTOMETRIC_INTERPRETATION) == 1
        and tags.get(Tiff.EXTRASAMPLES) == (2,)
        and set(tags.get(Tiff.SAMPLEFORMAT, (1,))) == {1}
    )


def check_tiff(image: Tiff.TiffImageFile, source: str, limits: Limits) -> None:
    """Raises PictureError for tiles that libtiff would allocate beyond the limit, and for what Pillow would misread."""
    tags = image.tag_v2
    tile = [tags.get(tag, 1) for tag in (Tiff.TILEWIDTH, Tiff.TILELENGTH)]
    if all(isinstance(side, int) for side in tile) and tile[0] * tile[1] > limits.max_pixels:
        raise refuse(source, f"has tiles of {tile[0]} x {tile[1]} pixels, beyond the limit of {limits.max_pixels:,}.")
    if image.mode == "I":
        raise refuse(source, "has signed or 32-bit integers, whose white is not known. Save it with 16 bits, unsigned.")
    if tags.get(Tiff.PHOTOMETRIC_INTERPRETATION) == 6 and image.info.get("compression") == "raw":
        raise refuse(source, "is an uncompressed YCbCr TIFF. Save it as RGB.")
    if tags.get(Tiff.PLANAR_CONFIGURATION, 1) != 1 and 16 in tags.get(Tiff.BITSPERSAMPLE, ()):
        raise refuse(source, "is a 16-bit TIFF with separate colour planes. Save it with interleaved pixels.")


def as_tiff_means(samples: Samples, image: Tiff.TiffImageFile) -> Samples:
    """12 bits spread over 16, and white-is-zero, which Pillow inverts for 8 bits only."""
    color = samples.color
    if image.tag_v2.get(Tiff.BITSPERSAMPLE) == (12,):
        color = color << 4 | color >> 8
    if image.tag_v2.get(Tiff.PHOTOMETRIC_INTERPRETATION) == 0 and color.dtype == np.uint16:
        color = 65_535 - color
    return replace(samples, color=color)
