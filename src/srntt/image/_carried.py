"""Selects the metadata that a format can store and corrects it for the picture's size; notes report the rest."""

from dataclasses import dataclass, replace

from srntt.image._color import without_profile
from srntt.image._formats import Format
from srntt.image._metadata import Metadata
from srntt.image._picture import Picture
from srntt.image._xmp import corrected_xmp
from srntt.image.tiff._directory import Directory
from srntt.image.tiff._exif import ORIENTATION, exif_block, exif_for, exif_tree, resolution_exif
from srntt.image.tiff._tags import contents_of

_JPEG_SEGMENT, _JPEG_XMP = 65_533, 65_504
_NAMES = {"icc": "ICC profile", "exif": "EXIF", "xmp": "XMP", "iptc": "IPTC", "texts": "PNG texts"}
_NAMES |= {"comment": "comment", "tiff": "TIFF's own tags", "dpi": "resolution"}


@dataclass(frozen=True, eq=False)
class Carried:
    """A picture ready for a format: its colours match what the file will declare.

    ``metadata`` is what the format can store, with the picture's sizes and resolution, ``tree`` its EXIF directories.
    Notes say what was dropped or converted.
    """

    picture: Picture
    metadata: Metadata
    tree: Directory | None
    notes: tuple[str, ...]

    @property
    def exif(self) -> bytes | None:
        """Its EXIF as a block."""
        return exif_block(self.tree) if self.tree else None


def carried(picture: Picture, form: Format, *, strip: bool) -> Carried:
    """Prepares a picture for a format; ``strip`` removes all metadata but what defines the colours."""
    picture, notes = _in_depth(picture, form)
    picture, more = _in_color(picture, form, strip)
    metadata = picture.metadata
    if strip:
        metadata = Metadata(icc=metadata.icc, gamma=metadata.gamma, chromaticity=metadata.chromaticity)
        metadata = replace(metadata, cicp=picture.metadata.cicp, size=picture.metadata.size)
    factors = metadata.factors(picture.width, picture.height)
    metadata, tree, dropped = _holdable(_sized(metadata, picture, factors), form)
    tree = None if tree is None else exif_for(tree, picture.width, picture.height, factors)
    if form.dpi_in_exif and metadata.dpi:
        tree = resolution_exif(tree, metadata.dpi)
    if tree and form.name == "AVIF":  # or Pillow would rewrite the block to remove it
        tree = tree.only(frozenset({*tree.fields, *tree.inner}) - {ORIENTATION})
    if tree and form.name == "JPEG" and len(exif_block(tree)) > _JPEG_SEGMENT:
        tree, dropped = None, (*dropped, "EXIF dropped: too long for JPEG")
    return Carried(picture, metadata, tree, (*notes, *more, *dropped))


def _in_depth(picture: Picture, form: Format) -> tuple[Picture, tuple[str, ...]]:
    notes: list[str] = []
    if picture.bands is not None and form.name != "TIFF":
        count = picture.bands.shape[2]
        notes.append(f"{count} band{'s' if count > 1 else ''} dropped: {form.name} stores colour and alpha only")
        picture = replace(picture, bands=None)
    levels = picture.levels
    if levels and form.bits < picture.bits:
        picture = picture.to_8bit()
        notes.append("16 bits reduced to 8")
    if levels and form.name != "TIFF" and (levels.low, levels.high) != (0, 1):
        top = 2**picture.bits - 1
        notes.append(
            f"{levels.kind} values {levels.low:g}..{levels.high:g} written as 0..{top}: only TIFF keeps their type"
        )
    return picture, tuple(notes)


def _in_color(picture: Picture, form: Format, strip: bool) -> tuple[Picture, tuple[str, ...]]:
    if picture.metadata.icc is None or not (strip or "icc" not in form.carries):
        return picture, ()
    plain, notes = without_profile(picture)
    if strip or notes:
        return plain, notes
    return plain, (f"ICC profile dropped: not supported by {form.name}",)


def _sized(metadata: Metadata, picture: Picture, factors: tuple[float, float]) -> Metadata:
    dpi, xmp = metadata.dpi, metadata.xmp
    if dpi:
        dpi = min(dpi[0] * factors[0], 65_535.0), min(dpi[1] * factors[1], 65_535.0)
    if xmp:
        xmp = corrected_xmp(xmp, (picture.width, picture.height), factors)
    return replace(metadata, dpi=dpi, xmp=xmp)


def _holdable(metadata: Metadata, form: Format) -> tuple[Metadata, Directory | None, tuple[str, ...]]:
    """What the format can store, and notes on the rest."""
    notes: list[str] = []
    if metadata.comment and "comment" not in form.carries and "texts" in form.carries:
        text = metadata.comment.decode("utf-8", "replace")
        metadata = replace(metadata, comment=None, texts=(*metadata.texts, ("Comment", text)))
    if metadata.xmp and form.name == "JPEG" and len(metadata.xmp) > _JPEG_XMP:
        metadata = replace(metadata, xmp=None)
        notes.append("XMP dropped: too long for JPEG")
    lost = [name for name in _NAMES if getattr(metadata, name) and name not in form.carries]
    for name in lost:
        if name == "icc" or (name == "dpi" and form.dpi_in_exif):
            continue
        what = contents_of(metadata.tiff) if name == "tiff" and metadata.tiff else _NAMES[name]
        if name == "texts":
            what = f"PNG texts ({', '.join(key for key, _ in metadata.texts[:9])})"
        notes.append(f"{what} dropped: not supported by {form.name}")
    if form.name != "PNG" and metadata.gamma and abs(metadata.gamma * 2.2 - 1) > 0.02:
        notes.append(f"gamma {metadata.gamma:g} dropped: only PNG supports it")
    empty = {name: () if name == "texts" else None for name in lost if not (name == "dpi" and form.dpi_in_exif)}
    kept = replace(metadata, **{name: value for name, value in empty.items() if name != "icc"})
    return kept, exif_tree(kept.exif) if kept.exif else None, tuple(notes)
