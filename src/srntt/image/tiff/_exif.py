"""EXIF blocks: selects the tags to keep, byte for byte, and corrects those that depend on the picture's size."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from srntt.image.tiff._directory import Block, Directory, Field, pack

ORIENTATION, EXIF_IFD, GPS_IFD = 0x0112, 0x8769, 0x8825
_WIDTH, _HEIGHT, _PIXEL_X, _PIXEL_Y = 0x0100, 0x0101, 0xA002, 0xA003
_X_RESOLUTION, _Y_RESOLUTION, _UNIT = 0x011A, 0x011B, 0x0128
_FOCAL_X, _FOCAL_Y = 0xA20E, 0xA20F  # focal plane resolution, in pixels too
_SIZES = frozenset({_WIDTH, _HEIGHT, _X_RESOLUTION, _Y_RESOLUTION, _UNIT})
_LARGEST = 16 * 2**20
# Tags of a TIFF directory that describe the photograph; the others describe the file.
_PHOTOGRAPH = frozenset(
    {0x010D, 0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x013C, 0x4746, 0x4749, 0x8298, 0x9C9B, 0x9C9C}
    | {0x9C9D, 0x9C9E, 0x9C9F, EXIF_IFD, GPS_IFD, ORIENTATION}
    | _SIZES
)
# Tags of an EXIF block that describe the old file: layout, thumbnail, and metadata that is stored elsewhere.
_OLD_FILE = frozenset(
    {0x00FE, 0x00FF, 0x0102, 0x0103, 0x0106, 0x0111, 0x0115, 0x0116, 0x0117, 0x011C, 0x0142, 0x0143, 0x0144, 0x0145}
    | {0x014A, 0x0201, 0x0202, 0x02BC, 0x83BB, 0x8649, 0x8773}
)


def exif_in(info: Mapping[Any, Any]) -> bytes | None:
    """The block that Pillow has found, or one that a PNG has as text."""
    block = info.get("exif")
    if block is None and isinstance(text := info.get("Raw profile type exif"), str):
        with suppress(ValueError):  # Pillow cannot read it either
            return bytes.fromhex("".join(text.split("\n")[3:]))
    return block if isinstance(block, bytes) else None


def exif_tree(data: bytes) -> Directory | None:
    """The directories of an EXIF block, with or without its prefix; None if nothing in it can be read."""
    if (block := Block.of(data)) is None:
        return None
    tree = block.directory(block.first)
    return tree if tree.fields or tree.inner else None


def kept_exif(tree: Directory, *, of_tiff: bool, notes: list[str]) -> bytes | None:
    """The block to keep: orientation 1, no thumbnail, everything else unchanged; None if it states nothing but sizes.

    The directory of a TIFF page also describes the layout of the file. What was left out is appended to the notes.
    """
    kept = tree.only(_PHOTOGRAPH) if of_tiff else tree.only(frozenset({*tree.fields, *tree.inner}) - _OLD_FILE)
    if not {*kept.fields, *kept.inner} - _SIZES - {ORIENTATION}:
        return None
    if broken := tree.broken + sum(below.broken for below in tree.inner.values()):
        notes.append(f"EXIF: {broken} damaged tag{'s' if broken > 1 else ''} dropped")
    if ORIENTATION in kept.fields:
        kept = kept.having({ORIENTATION: kept.integers(1)})
    block = exif_block(kept)
    if len(block) > _LARGEST:
        notes.append(f"EXIF of {len(block):,} bytes dropped (more than 16 MiB)")
        return None
    return block


def exif_block(tree: Directory) -> bytes:
    """A block with its prefix."""
    head = b"II*\0\x08\0\0\0" if tree.order == "<" else b"MM\0*\0\0\0\x08"
    return b"Exif\0\0" + head + pack(tree, 8)


def exif_for(tree: Directory, width: int, height: int, factors: tuple[float, float]) -> Directory:
    """The directories for a picture of this size: sizes and resolutions are corrected where present, none are added.

    ``factors`` are the horizontal and vertical ratio to the size of the source.
    """
    tree = _corrected(tree, {_WIDTH: width, _HEIGHT: height}, {_X_RESOLUTION: factors[0], _Y_RESOLUTION: factors[1]})
    if EXIF_IFD in tree.inner:
        sizes, pitches = {_PIXEL_X: width, _PIXEL_Y: height}, {_FOCAL_X: factors[0], _FOCAL_Y: factors[1]}
        tree = replace(tree, inner={**tree.inner, EXIF_IFD: _corrected(tree.inner[EXIF_IFD], sizes, pitches)})
    return tree


def resolution_exif(tree: Directory | None, dpi: tuple[float, float]) -> Directory:
    """Adds the resolution in pixels per inch, for formats that store it nowhere else."""
    tree = tree or Directory("<")
    found = tree.rationals(dpi[0]), tree.rationals(dpi[1]), tree.integers(2)
    return tree.having(dict(zip((_X_RESOLUTION, _Y_RESOLUTION, _UNIT), found, strict=True)))


def _corrected(tree: Directory, sizes: dict[int, int], pitches: dict[int, float]) -> Directory:
    fields: dict[int, Field] = {tag: tree.integers(value) for tag, value in sizes.items() if tag in tree.fields}
    for tag, factor in pitches.items():
        values = tree.numbers(tag)
        if values and factor != 1 and values[0] > 0:
            fields[tag] = tree.rationals(values[0] * factor)
    return tree.having(fields)
