"""Reads a page of a TIFF file and interprets its samples."""

import io
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image
from PIL import TiffImagePlugin as Tiff

from srntt._shapes import Shaped
from srntt.errors import InputError, PictureError
from srntt.image._levels import ValueRange, alpha_in_16_bits, levels_for, spread
from srntt.image._modes import Samples, converted_samples
from srntt.image._source import Limits, refuse
from srntt.image.tiff._check import check_directories
from srntt.image.tiff._directory import Block, Directory
from srntt.image.tiff._layout import Layout, layout_of
from srntt.image.tiff._segments import BYTE_CODECS, IMAGE_CODECS, read_samples
from srntt.image.tiff._tags import described_by_program

_MOST_PAGES = 2**16
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _CMYK, _YCBCR, _LAB, _ICC_LAB = 0, 1, 2, 5, 6, 8, 9
_RAW = {32803, 34892}  # colour filter array, linear raw
_LOG = {32844, 32845}
_PILLOWS = {2, 3, 4, 6, 7, 32771}  # compressions of whole pictures, decoded by libtiff
_UNSUPPORTED = {22610: "JPEG XR", 34661: "JBIG", 34892: "lossy JPEG", 34933: "PNG", 50001: "WebP", 50002: "JPEG XL"}
_SUBFILE, _DESCRIPTION, _SUBDIRECTORIES, _NO_DATA, _DNG = 254, 270, 330, 42113, 50706


@dataclass(frozen=True)
class Page:
    """One picture of a TIFF file.

    Attributes:
        block: the file.
        place: offset of its directory.
        first: offset of the first picture's directory, whose description may apply to all pages.
        number: page number, from 1.
        count: number of pages, without reduced copies and masks.
        notes: what was skipped.
    """

    block: Block
    place: int
    first: int
    number: int
    count: int
    notes: tuple[str, ...]

    def tags(self, source: str) -> Directory:
        """Its directory; raises PictureError if its tags claim more data than there is, or it does not exist."""
        check_directories(self.block.data, source, "TIFF", self.place)
        if not 0 < self.place < len(self.block.data):
            raise refuse(source, "is not a whole TIFF: its directory is beyond the end of the file.")
        tags = self.block.directory(self.place)
        if not {256, 257} <= set(tags.fields):
            raise refuse(source, "is damaged or not a whole TIFF: a directory has no width and height.")
        if self.number > 1 and _DESCRIPTION not in tags.fields:
            check_directories(self.block.data, source, "TIFF", self.first)
            first = self.block.directory(self.first)
            if described_by_program(first.value(_DESCRIPTION) or b""):
                tags = tags.having({_DESCRIPTION: first.fields[_DESCRIPTION]})
        return tags


def choose_page(data: bytes, source: str, page: int | None) -> Page:
    """Finds a page, from 1, or the first, reading only the chain of directories; raises InputError if there is none."""
    block = Block.of(data)
    if block is None or not (found := block.places(_MOST_PAGES)):
        raise refuse(source, "is damaged or not a whole TIFF: it has no directory.")
    kinds = [_subfile(block, place) for place in found]
    pictures = [place for place, kind in zip(found, kinds, strict=True) if not kind & 5] or found[:1]
    if not 1 <= (page or 1) <= len(pictures):
        raise InputError(f"{source}: there is no page {page}; pages are 1 to {len(pictures)}.")
    notes = []
    if page is None and len(pictures) > 1:
        notes.append(f"first of {len(pictures)} pages used; select another with --page, in Python load(..., page=2)")
    if copies := sum(kind & 1 for kind in kinds if len(pictures) < len(found)):
        notes.append(f"{copies} reduced copies in the file skipped")
    if masks := sum(bool(kind & 4) for kind in kinds if len(pictures) < len(found)):
        notes.append(f"{masks} masks in the file skipped")
    return Page(block, pictures[(page or 1) - 1], pictures[0], page or 1, len(pictures), tuple(notes))


def _subfile(block: Block, place: int) -> int:
    """NewSubfileType, the first tag if present: bit 0 a reduced copy, bit 2 a mask."""
    first = next(block.entries(place), None)
    return block.integer(first[3], 4) if first and first[0] == _SUBFILE and first[3] + 4 <= len(block.data) else 0


def is_raw(page: Page, tags: Directory) -> bool:
    """True for a camera's raw file, whose first picture may be a thumbnail."""
    if _DNG in tags.fields or page.block.data[8:10] == b"CR" or tags.number(262, 1) in _RAW:
        return True
    below = (entry for place in tags.numbers(_SUBDIRECTORIES)[:16] for entry in page.block.entries(int(place)))
    return any(tag == 262 and count == 1 and page.block.integer(at, 2) in _RAW for tag, _, count, at in below)


def read_page(page: Page, tags: Directory, source: str, limits: Limits, value_range: ValueRange) -> Samples | None:
    """The samples of a page; None for pages that Pillow reads: palettes, JPEG, CCITT.

    Raises:
        PictureError: beyond the limits, damaged, or of an unsupported kind.
    """
    photometric, compression = tags.number(262, 1), tags.number(259, 1)
    if photometric in _LOG:
        raise refuse(source, "is a LogLuv TIFF, which is not supported. Save it as RGB with 16 bits or floats.")
    if photometric == _YCBCR and compression in BYTE_CODECS:
        raise refuse(source, "is an uncompressed YCbCr TIFF. Save it as RGB.")
    if compression not in BYTE_CODECS | _PILLOWS | set(IMAGE_CODECS):
        name = _UNSUPPORTED.get(compression, "an unknown method")
        raise refuse(source, f"is a TIFF compressed with {name} ({compression}), which is not supported. Use deflate.")
    known = {_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _CMYK, _LAB, _ICC_LAB}
    if photometric not in known or compression in _PILLOWS or tags.number(266, 1) == 2:
        return None
    layout = layout_of(tags, source, limits)
    raw = read_samples(page.block.data, layout, source)
    try:
        if photometric in (_CMYK, _LAB, _ICC_LAB):
            return _other_colors(raw, layout, tags, source)
        return _split(raw, layout, value_range, _no_data(tags))
    except InputError as error:
        raise error if isinstance(error, PictureError) else refuse(source, str(error)) from error


def open_with_pillow(page: Page) -> Tiff.TiffImageFile:
    """Opens the page in Pillow as the first page of the file."""
    data, width = page.block.data, 8 if page.block.big else 4
    if page.number > 1:
        place = page.place.to_bytes(width, "little" if page.block.order == "<" else "big")
        data = data[:width] + place + data[2 * width :]
    return Tiff.TiffImageFile(io.BytesIO(data))


def check_tiff(image: Tiff.TiffImageFile, source: str, limits: Limits) -> None:
    """Raises PictureError for tiles beyond the limit, which libtiff would allocate, and for what Pillow misreads."""
    tags = image.tag_v2
    tile = [tags.get(tag, 1) for tag in (Tiff.TILEWIDTH, Tiff.TILELENGTH)]
    if all(isinstance(side, int) for side in tile) and tile[0] * tile[1] > limits.max_pixels:
        raise refuse(source, f"has tiles of {tile[0]} x {tile[1]} pixels, beyond the limit of {limits.max_pixels:,}.")
    if ";16" in str(image.tile[0].args if image.tile else ""):
        raise refuse(source, "is a TIFF of 16 bits in an unsupported layout. Save it with deflate compression.")


def _split(raw: Shaped[np.ndarray, "h w n"], layout: Layout, value_range: ValueRange, no_data: float | None) -> Samples:
    """Colour, alpha and further bands, as 8 or 16 bits."""
    levels, notes = None, ()
    if layout.kind == "u" and layout.bits <= 16 and value_range is None:
        whole, top = spread(raw, layout.bits), 255 if layout.bits <= 8 else 65_535
        notes = (f"{layout.bits}-bit samples stored with 16 bits",) if 8 < layout.bits < 16 else ()
    else:
        values = raw[..., : layout.samples - sum(one in (1, 2) for one in layout.extra)]
        levels, notes = levels_for(values, value_range, no_data)
        whole, top = levels.samples(raw), 65_535
    at = next((layout.colors + k for k, one in enumerate(layout.extra) if one in (1, 2)), None)
    alpha = None if at is None else whole[..., at]
    if levels is not None and at is not None:
        alpha = alpha_in_16_bits(raw[..., at])
    planes = [k for k in range(layout.samples) if k != at]
    colors = 3 if len(planes) >= 3 else 1
    color = np.ascontiguousarray(whole[..., planes[:colors]])
    if layout.photometric == _WHITE_IS_ZERO:
        color = top - color
    if at is not None and layout.extra[at - layout.colors] == 1 and alpha is not None:
        color = _straight(color, alpha, top)
    bands = np.ascontiguousarray(whole[..., planes[colors:]]) if len(planes) > colors else None
    if colors > layout.colors:
        notes += (f"first three of {len(planes)} bands used as red, green and blue",)
    if bands is not None:
        count = bands.shape[2]
        notes += (
            f"{count} band{'s' if count > 1 else ''} beyond {'colour' if colors == 3 else 'grey'} upscaled as grey",
        )
    alpha = None if alpha is None else np.ascontiguousarray(alpha)
    return Samples(color, alpha, notes=notes, bands=bands, levels=levels)


def _no_data(tags: Directory) -> float | None:
    """GDAL's tag: the value, as text, that marks missing data."""
    text = (tags.value(_NO_DATA) or b"").rstrip(b"\0 ")
    try:
        return float(text)
    except ValueError:
        return None


def _straight(color: Shaped[np.ndarray, "h w c"], alpha: Shaped[np.ndarray, "h w"], top: int) -> np.ndarray:
    share = alpha[..., None].astype(np.float64)
    straight = np.rint(color * np.divide(top, share, out=np.zeros_like(share), where=share > 0))
    return np.minimum(straight, top).astype(color.dtype)


def _other_colors(raw: Shaped[np.ndarray, "h w n"], layout: Layout, tags: Directory, source: str) -> Samples:
    """Converts CMYK and Lab to sRGB through LCMS, with 8 bits, the most that Pillow's interface supports."""
    if layout.kind == "f" or layout.bits not in (8, 16):
        raise refuse(source, f"is a CMYK or Lab TIFF of {layout.bits} bits; 8 and 16 are supported. Convert it to RGB.")
    eight = raw[..., : layout.colors].astype(f"u{raw.itemsize}")
    if layout.photometric == _LAB:
        eight[..., 1:] ^= 1 << (layout.bits - 1)  # signed to offset
    if layout.bits == 16:
        if layout.photometric == _CMYK:
            eight = np.rint(eight / 257)
        else:
            eight = np.minimum((eight.astype(np.uint32) + 128) >> 8, 255)
    eight = eight.astype(np.uint8)
    if layout.photometric != _CMYK:
        eight[..., 1:] ^= 128  # Pillow expects the signed bytes of a TIFF and converts them itself
    mode = "CMYK" if layout.photometric == _CMYK else "LAB"
    image = Image.frombytes(mode, (layout.width, layout.height), eight.tobytes())
    if profile := tags.value(34675):
        image.info["icc_profile"] = profile
    samples = converted_samples(image)
    if layout.bits == 16:
        samples = replace(samples, notes=(*samples.notes, "16 bits reduced to 8 by the conversion"))
    if layout.extra:
        at = next((layout.colors + k for k, one in enumerate(layout.extra) if one in (1, 2)), None)
        if at is None or len(layout.extra) > 1:
            samples = replace(samples, notes=(*samples.notes, "bands beyond the colours dropped"))
        if at is not None:
            alpha = raw[..., at] if layout.bits == 8 else np.rint(raw[..., at] / 257)
            samples = replace(samples, alpha=np.ascontiguousarray(alpha.astype(np.uint8)))
    return samples
