"""XMP packets: kept unchanged except for orientation, sizes and resolution."""

import re

_SIZES = {
    b"tiff:ImageWidth": 0,
    b"tiff:ImageLength": 1,
    b"exif:PixelXDimension": 0,
    b"exif:PixelYDimension": 1,
    b"exif:ExifImageWidth": 0,
    b"exif:ExifImageHeight": 1,
}
_RESOLUTIONS = {b"tiff:XResolution": 0, b"tiff:YResolution": 1}


def corrected_xmp(xmp: bytes, size: tuple[int, int], factors: tuple[float, float]) -> bytes:
    """Corrects a packet in UTF-8 for a picture of this width and height in pixels; missing properties are not added.

    ``factors`` are the horizontal and vertical ratio to the size of the source.
    """
    xmp = _replaced(xmp, b"tiff:Orientation", lambda _: b"1")
    for name, axis in _SIZES.items():
        xmp = _replaced(xmp, name, lambda _, axis=axis: str(size[axis]).encode())
    for name, axis in _RESOLUTIONS.items():
        xmp = _replaced(xmp, name, lambda value, axis=axis: _scaled(value, factors[axis]))
    return xmp


def _replaced(xmp: bytes, name: bytes, new) -> bytes:
    """Replaces a property, as an attribute and as an element."""
    for pattern in (name + rb'(\s*=\s*["\'])([^"\'<]*)(["\'])', name + rb"(>\s*)([^<]*?)(\s*</)"):
        xmp = re.sub(pattern, lambda found: name + found[1] + new(found[2]) + found[3], xmp)
    return xmp


def _scaled(value: bytes, factor: float) -> bytes:
    top, _, low = value.partition(b"/")
    try:
        return b"%d/%s" % (round(int(top) * factor), low or b"1")
    except ValueError:
        return value
