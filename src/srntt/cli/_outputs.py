"""Output files of an upscale: chosen and checked before any work, written atomically."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from srntt._files import make_folder
from srntt.cli._upscale_options import check_quality_option
from srntt.errors import InputError, OutputError

if TYPE_CHECKING:
    import srntt.image
    import srntt.upscale


@Parameter(name="*")
@dataclass(frozen=True)
class OutputOptions:
    """Outputs.

    Attributes:
        output: Output file, whose suffix determines the format, or folder, in which the file is named NAME_x4 (or by
            the scale or size requested); a folder is created if its name ends in a slash. Default: NAME_x4 next to the
            input, in its format if that can represent the output, else .png.
        map: Write a map of the references: the output in grey, tinted in a colour for each reference by the share of
            its detail, with a legend.
        map_kind: share, as above; or similarity: the similarity of the match of each position (cosine 0..1), in grey
            at the size of the output. Default: share.
        provenance: Write the reference and position from which each position came, as .npz.
        overwrite: Replace existing files.
        strip: Omit EXIF, XMP, IPTC, texts and resolution; colours are converted to sRGB.
        quality: Quality of JPEG, WebP, AVIF, HEIF and JPEG XL, 1..100, or lossless for WebP and JPEG XL. Default: 95,
            or lossless if the input is a lossless WebP or JPEG XL.
        bits: Reduce a 16-bit picture to 8 bits, for formats that are limited to 8.
    """

    output: Annotated[str | None, Parameter(name=["--output", "-o"])] = None  # a Path would lose the slash at its end
    map: Path | None = None
    map_kind: Literal["share", "similarity"] = "share"
    provenance: Path | None = None
    overwrite: bool = False
    strip: bool = False
    quality: int | Literal["lossless"] | None = None
    bits: Literal[8] | None = None

    def check(self, *, with_references: bool) -> None:
        """Raise InputError for a map or provenance without references, or an invalid quality."""
        check_quality_option(self.quality)
        if (self.map or self.provenance) and not with_references:
            raise InputError("--map and --provenance show what came from references. Give some with --ref.")


@dataclass(frozen=True)
class Destinations:
    """Files that an upscale writes; None for those not requested."""

    output: Path
    map: Path | None
    provenance: Path | None

    def write(self, result: "srntt.upscale.Result", options: OutputOptions) -> tuple[str, ...]:
        """Write the files, the picture first; return notes on what a format could not represent."""
        from srntt.image import save

        picture = result.picture.to_8bit() if options.bits == 8 else result.picture
        notes = save(picture, self.output, overwrite=options.overwrite, strip=options.strip, quality=options.quality)
        shown = result.share_picture() if options.map_kind == "share" else result.similarity_picture()
        if self.map and shown:
            save(shown, self.map, overwrite=options.overwrite)
        if self.provenance and result.provenance is not None:
            result.provenance.save(self.provenance, overwrite=options.overwrite)
        return (*picture.notes[len(result.picture.notes) :], *notes)

    def write_pages(
        self, results: "Iterable[srntt.upscale.Result]", count: int, options: OutputOptions
    ) -> tuple[str, ...]:
        """Write the pages of a TIFF, each as soon as it is upscaled; return notes on what TIFF could not represent."""
        from srntt.image import save_pages

        pictures = (result.picture.to_8bit() if options.bits == 8 else result.picture for result in results)
        return save_pages(pictures, self.output, count=count, overwrite=options.overwrite, strip=options.strip)


def plan_destinations(
    file: Path,
    source: "srntt.image.Picture",
    options: OutputOptions,
    size: "srntt.upscale.OutputSize",
    scale: int,
    *,
    paged: bool = False,
) -> Destinations:
    """Choose the name of the output if none is given, and check every file that will be written.

    ``paged``: a single page is upscaled of a file with several.

    Raises:
        InputError: Two outputs have the same name.
        OutputError: A file cannot be written, its format cannot represent the output, or a folder cannot be created.
    """
    bits, target = options.bits or source.bits, size.of(source.height, source.width, scale)
    folder = options.output and _folder(options.output)
    if options.output and not folder:
        output = Path(options.output)
    else:
        output = _default_output(file, source, bits, folder or file.parent, size, scale)
    _check_picture(output, source, target, bits=bits, options=options)
    if source.metadata.page[1] > 1 and not paged:
        _check_pages(output, source.metadata.page[1], options)
    if options.map:
        _check_map(options.map, target, overwrite=options.overwrite)
    if options.provenance:
        _check_npz(options.provenance, options.overwrite)
    _refuse_twins([path for path in (output, options.map, options.provenance) if path])
    return Destinations(output, options.map, options.provenance)


def _folder(output: str) -> Path | None:
    """Return the output folder, if the name is that of an existing one or ends in a slash; it is then created."""
    if output.endswith(tuple(mark for mark in (os.sep, os.altsep) if mark)):
        make_folder(output)
    return Path(output) if os.path.isdir(output) else None


def _default_output(
    file: Path, source: "srntt.image.Picture", bits: int, folder: Path, size: "srntt.upscale.OutputSize", scale: int
) -> Path:
    """Name the output of ``photo.jpg``: ``photo_x4.jpg``, or ``photo_x4.png`` if JPEG cannot represent it.

    Other scales and sizes give ``photo_x1.5.jpg`` or ``photo_3000x2000.jpg``.
    """
    target = size.of(source.height, source.width, scale)
    by_scale = size.scale is not None or not size.is_given
    stem = f"{file.stem}_x{size.scale or scale:g}" if by_scale else f"{file.stem}_{target[1]}x{target[0]}"
    kept = folder / f"{stem}{file.suffix}"
    try:
        _check_picture(kept, source, target, bits=bits, options=OutputOptions(overwrite=True))
    except OutputError:
        return folder / f"{stem}{'.tif' if source.metadata.page[1] > 1 else '.png'}"
    return kept


def _check_picture(
    path: Path, source: "srntt.image.Picture", size: tuple[int, int], *, bits: int, options: OutputOptions
) -> None:
    from srntt.image import check_output

    check_output(
        path,
        width=size[1],
        height=size[0],
        alpha=not source.opaque,
        bits=bits,
        overwrite=options.overwrite,
        cicp=source.metadata.cicp is not None,
        lossless=options.quality == "lossless",
    )


def _check_map(path: Path, size: tuple[int, int], *, overwrite: bool) -> None:
    from srntt.image import check_output

    check_output(path, width=size[1], height=size[0], overwrite=overwrite)


def _check_pages(output: Path, count: int, options: OutputOptions) -> None:
    """Check the options for a file of several pages, all of which are upscaled."""
    if options.map or options.provenance:
        raise InputError(f"--map and --provenance show one page, and the file has {count}. Choose one with --page N.")
    if output.suffix.lower() not in (".tif", ".tiff"):
        raise OutputError(
            f"{output}: the file has {count} pages, which require a TIFF. End the name with .tif, or choose a page "
            "with --page N."
        )


def _check_npz(path: Path, overwrite: bool) -> None:
    if path.suffix.lower() != ".npz":
        raise OutputError(f"{path}: the provenance is written as .npz. End the name with .npz.")
    from srntt.image import check_place

    check_place(os.fspath(path), overwrite)


def _refuse_twins(paths: list[Path]) -> None:
    if len({os.path.realpath(path) for path in paths}) < len(paths):
        raise InputError(f"Two outputs have the same name: {', '.join(map(str, paths))}. Give each a different name.")
