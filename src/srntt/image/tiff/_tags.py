"""Tags that only TIFF has, such as microscope descriptions and georeferences, corrected for a new size."""

import json
import math
import re
from dataclasses import dataclass

from srntt.image.tiff._directory import Directory, Field

_PHOTOMETRIC, _SAMPLES, _DESCRIPTION, _PAGE_NAME = 262, 277, 270, 285
_X_RESOLUTION, _Y_RESOLUTION, _UNIT, _X_POSITION, _Y_POSITION = 282, 283, 296, 286, 287
_PIXEL_SCALE, _TIE_POINTS, _TRANSFORMATION, _GEO_KEYS = 33550, 33922, 34264, 34735
_GDAL = 42112
_GEO = frozenset({_PIXEL_SCALE, _TIE_POINTS, _TRANSFORMATION, _GEO_KEYS, 34736, 34737, _GDAL, 42113})
_KEPT = _GEO | {_DESCRIPTION, _PAGE_NAME, _X_RESOLUTION, _Y_RESOLUTION, _UNIT, _X_POSITION, _Y_POSITION}
_STRUCTURE = frozenset(range(254, 260)) | {262, 263, 264, 265, 266, 273, 274, 277, 278, 279, 280, 281, 284, 290, 291}
_STRUCTURE |= {292, 293, 297, 317, 320, *range(322, 331), *range(336, 348), *range(512, 522), 529, 530, 531, 532}
_STRUCTURE |= {32995, 32996, 32997, 32998, 50674}  # older tags of alpha and type; LERC parameters
_BLOCKS = {700, 32781, 33723, 34377, 34665, 34675, 34853, 40965}  # handled elsewhere
_PHOTOGRAPH = {269, 271, 272, 305, 306, 315, 316, 18246, 18249, 33432, 40091, 40092, 40093, 40094, 40095}
_POINT_KEY = 1025  # GTRasterTypeGeoKey: 1 pixels are areas, 2 they are points
_COUNTS = re.compile(rb"(?m)^(images|slices|channels|frames|hyperstack)=.*\n?")
_DISPLAY = re.compile(rb"(?m)^(min|max)=(.*)\n?")
_STATISTICS = re.compile(rb'[ \t]*<Item name="STATISTICS_[^>]*>[^<]*</Item>\n?')  # of the original values
_OME_TYPES = {"float32": b"float", "float64": b"double"}


@dataclass(frozen=True)
class Written:
    """The file that is written, in place of a source of the width and height ``before``.

    ``kind`` is NumPy's name of the type of samples; ``whole``: all pages of the source are written, in order.
    """

    before: tuple[int, int]
    size: tuple[int, int]
    samples: int
    kind: str
    pages: int
    whole: bool


def kept_tags(tags: Directory, *, turned: bool, notes: list[str]) -> Directory:
    """Selects the tags to keep from one TIFF to another, without positions in a picture that was turned.

    What was left out is appended to the notes.
    """
    bands = {_PHOTOMETRIC} if tags.number(_PHOTOMETRIC, 2) < 2 < tags.number(_SAMPLES, 1) else set()
    kept = tags.only(frozenset((_KEPT | bands) - (_GEO if turned else frozenset())))
    if turned and _GEO & set(tags.fields):
        notes.append("GeoTIFF tags dropped: the picture was rotated")
    private = sorted(set(tags.fields) - _KEPT - _STRUCTURE - _BLOCKS - _PHOTOGRAPH)
    if private:
        notes.append(f"TIFF tags {', '.join(map(str, private[:20]))} dropped: unknown tags")
    return kept


def described_by_program(description: bytes) -> str | None:
    """The program of a structured description: ImageJ, OME-XML or tifffile; None for plain text."""
    if description.startswith(b"ImageJ="):
        return "ImageJ"
    if (description.lstrip().startswith(b"<?xml") and b"<OME" in description[:4096]) or description[:4] == b"<OME":
        return "OME-XML"
    return "tifffile" if re.match(rb'\{"shape":|shape=\(', description) else None


def contents_of(tags: Directory) -> str:
    """Names what ``kept_tags`` kept, for a format that cannot hold it."""
    program = described_by_program(tags.value(_DESCRIPTION) or b"")
    parts = ["GeoTIFF tags"] if _GEO & set(tags.fields) else []
    parts += [f"{program}'s description"] if program else []
    return " and ".join(parts) or "TIFF tags"


def tags_for(tags: Directory, written: Written, notes: list[str]) -> Directory:
    """Corrects the tags that ``kept_tags`` selected for a picture of another size or with other samples.

    What was dropped is appended to the notes.
    """
    factors = written.size[0] / written.before[0], written.size[1] / written.before[1]
    fields: dict[int, Field] = {}
    for tag, factor in ((_X_RESOLUTION, factors[0]), (_Y_RESOLUTION, factors[1])):
        if (values := tags.numbers(tag)) and values[0] > 0:
            fields[tag] = tags.fields[tag] if factor == 1 else tags.rationals(values[0] * factor)
    if statistics := tags.value(_GDAL):
        fields[_GDAL] = tags.ascii(_STATISTICS.sub(b"", statistics))
    tags = _placed(tags, factors).having(fields)
    description = tags.value(_DESCRIPTION)
    if description is None:
        return tags
    new = _description(description.rstrip(b"\0"), written, notes)
    if new is None:
        return tags.only(frozenset(tags.fields) - {_DESCRIPTION})
    return tags.having({_DESCRIPTION: tags.ascii(new)})


def _placed(tags: Directory, factors: tuple[float, float]) -> Directory:
    """Scales GeoTIFF pixel sizes, tie points and matrix."""
    fields: dict[int, Field] = {}
    if len(scale := tags.numbers(_PIXEL_SCALE)) >= 2:
        fields[_PIXEL_SCALE] = tags.doubles([scale[0] / factors[0], scale[1] / factors[1], *scale[2:]])
    keys = tags.numbers(_GEO_KEYS)
    at = next((k for k in range(4, len(keys) - 3, 4) if keys[k] == _POINT_KEY), None)
    half = 0.5 if at is not None and keys[at + 3] == 2 else 0.0  # a point is the centre of its pixel
    if ties := list(tags.numbers(_TIE_POINTS)):
        for k in range(0, len(ties) - 5, 6):
            ties[k] = (ties[k] + half) * factors[0] - half
            ties[k + 1] = (ties[k + 1] + half) * factors[1] - half
        fields[_TIE_POINTS] = tags.doubles(ties)
    if len(matrix := list(tags.numbers(_TRANSFORMATION))) == 16:
        for row in range(0, 16, 4):
            x, y = matrix[row], matrix[row + 1]
            matrix[row], matrix[row + 1] = x / factors[0], y / factors[1]
            matrix[row + 3] += half * (matrix[row] - x + matrix[row + 1] - y)
        fields[_TRANSFORMATION] = tags.doubles(matrix)
    return tags.having(fields)


def _description(text: bytes, written: Written, notes: list[str]) -> bytes | None:
    program = described_by_program(text)
    if program == "ImageJ":
        return _imagej(text, written)
    if program == "OME-XML":
        return _ome(text, written, notes)
    return _shaped(text, written, notes) if program else text


def _imagej(text: bytes, written: Written) -> bytes:
    """Drops counts unless the whole stack is written, and display ranges beyond the type."""
    if not written.whole:
        text = _COUNTS.sub(b"", text)
    shown = dict(_DISPLAY.findall(text))
    reduced = written.kind == "uint8" and float(_times(shown.get(b"max", b"0"), 1.0)) > 255
    return _DISPLAY.sub(b"", text) if reduced else text


def _ome(text: bytes, written: Written, notes: list[str]) -> bytes | None:
    before, after = written.before, written.size
    sizes = dict(re.findall(rb'\bSize([XYZCT])="(\d+)"', text))
    planes = math.prod(int(sizes.get(axis, b"0")) for axis in (b"Z", b"C", b"T"))
    same = planes == written.pages * written.samples and text.count(b"<Pixels") == 1
    kinds = set(re.findall(rb'<Pixels[^>]*\bType="([^"]*)"', text))
    same = same and kinds == {_OME_TYPES.get(written.kind, written.kind.encode())}
    if not (same and written.whole and [sizes.get(axis) for axis in (b"X", b"Y")] == [b"%d" % side for side in before]):
        notes.append("OME-XML dropped: it describes other planes or samples than are written")
        return None
    for axis, old, new in ((b"X", before[0], after[0]), (b"Y", before[1], after[1])):
        text = re.sub(rb'\bSize%s="\d+"' % axis, b'Size%s="%d"' % (axis, new), text)
        text = re.sub(
            rb'\bPhysicalSize%s="([^"]*)"' % axis,
            lambda found, axis=axis, share=old / new: b'PhysicalSize%s="%s"' % (axis, _times(found[1], share)),
            text,
        )
    return text


def _times(number: bytes, factor: float) -> bytes:
    try:
        return f"{float(number) * factor:.12g}".encode()
    except ValueError:
        return number


def _shaped(text: bytes, written: Written, notes: list[str]) -> bytes | None:
    """Corrects tifffile's shape, which is on the first page and has samples last."""
    sides = [written.before[1], written.before[0]]
    pages = written.pages if written.whole else 1
    try:
        about = json.loads(text)
        shape = list(about["shape"])
        ends = range(len(shape) - 2, len(shape) - 4, -1)
        at = next(k for k in ends if k >= 0 and shape[k : k + 2] == sides and math.prod(shape[:k]) == pages)
    except (ValueError, KeyError, TypeError, StopIteration):
        notes.append("tifffile's shape dropped: it describes other pages or planes")
        return None
    samples = [written.samples] if len(shape) == at + 3 or written.samples > 1 else []
    if at + 2 + len(samples) != len(shape):
        about.pop("axes", None)
    return json.dumps({**about, "shape": [*shape[:at], written.size[1], written.size[0], *samples]}).encode()
