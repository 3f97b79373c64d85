"""Options specific to ``srntt batch``."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from srntt._files import file_sha256
from srntt.cli._options import ModelOptions
from srntt.cli._upscale_options import (
    InfluenceOptions,
    MethodOptions,
    ReadOptions,
    SizeOptions,
    check_quality_option,
)
from srntt.errors import InputError

if TYPE_CHECKING:
    import srntt.batch

_SMALLEST_TILE = 32


@Parameter(name="*")
@dataclass(frozen=True)
class BatchReferenceOptions:
    """References of each picture.

    Attributes:
        refs: Folder of references, or a URL. A picture photo.png uses those listed in its photo.refs.txt, else photo.*
            and the pictures in its folder photo, else the most similar of all others. Default: no references.
        best: Number of shared references for a picture, the most similar ones. Default: 4.
    """

    refs: Annotated[str | None, Parameter(name=["--refs", "-r"])] = None
    best: Annotated[int, Parameter(validator=Number(gte=1))] = 4


@Parameter(name="*")
@dataclass(frozen=True)
class BatchOutputOptions:
    """Outputs.

    Attributes:
        output: Output folder, or a URL; created if necessary. Outputs are named like the inputs.
        map: Write a map of the references next to each output with references, as photo.png.map.png: the output in
            grey, tinted in a colour for each reference by the share of its detail, with a legend.
        map_kind: share, as above; or similarity: the similarity of the match of each position (cosine 0..1), as
            photo.png.similarity.png, in grey at the size of the output. Default: share.
        provenance: Write the reference and position from which each position came next to each output with references,
            as photo.png.provenance.npz.
        format: Suffix of all outputs, such as png. Default: that of each input if it can represent the output, else
            png.
        overwrite: Replace existing files; without --resume, everything is processed again.
        resume: Skip pictures that an earlier run to this folder has completed, unless they have changed.
        strip: Omit EXIF, colour profile and resolution.
        quality: Quality of JPEG, WebP, AVIF, HEIF and JPEG XL, 1..100, or lossless for WebP and JPEG XL. Default: 95,
            or lossless if the input is a lossless WebP or JPEG XL.
        bits: Reduce 16-bit pictures to 8 bits, for formats that are limited to 8.
    """

    output: Annotated[str, Parameter(name=["--output", "-o"])]
    map: bool = False
    map_kind: Literal["share", "similarity"] = "share"
    provenance: bool = False
    format: str | None = None
    overwrite: bool = False
    resume: bool = False
    strip: bool = False
    quality: int | Literal["lossless"] | None = None
    bits: Literal[8] | None = None

    def check(self, *, with_references: bool) -> None:
        """Raise InputError for maps or provenance without references, or an invalid quality."""
        check_quality_option(self.quality)
        if self.side_files() and not with_references:
            raise InputError("--map and --provenance show what came from references. Give some with --refs.")

    def side_files(self) -> "tuple[srntt.batch.SideFile, ...]":
        """Kinds of side files."""
        kinds: dict[srntt.batch.SideFile, bool] = {
            "map": self.map and self.map_kind == "share",
            "similarity": self.map and self.map_kind == "similarity",
            "provenance": self.provenance,
        }
        return tuple(kind for kind, asked in kinds.items() if asked)

    def suffix(self) -> str | None:
        """Suffix of all outputs, if requested; raise InputError for a format that cannot be written."""
        if self.format is None:
            return None
        from srntt.image import PICTURE_SUFFIXES

        suffix = f".{self.format.lower().removeprefix('.')}"
        if suffix not in PICTURE_SUFFIXES:
            known = ", ".join(sorted(name[1:] for name in PICTURE_SUFFIXES))
            raise InputError(f"--format {self.format}: this format cannot be written. Use one of {known}.")
        return suffix


def upscale_options(
    outputs: BatchOutputOptions,
    method: MethodOptions,
    model: ModelOptions,
    size: SizeOptions,
    influence: InfluenceOptions,
    reading: ReadOptions,
) -> "srntt.batch.UpscaleOptions":
    """Return the options on which all outputs depend; raise InputError for a tile too small or an invalid range."""
    if method.tile != "auto" and method.tile < _SMALLEST_TILE:
        raise InputError(
            f"--tile {method.tile}: too small. Give at least {_SMALLEST_TILE} pixels of the input, or auto."
        )
    from srntt.batch import UpscaleOptions

    return UpscaleOptions(
        tile=method.tile,
        views=method.views,
        strip=outputs.strip,
        quality=outputs.quality,
        bits=outputs.bits,
        matcher=model.matcher,
        align=model.align,
        consistent=method.consistent,
        self_ensemble=method.self_ensemble,
        size=size.size(),
        strength=influence.strength,
        protect=(*influence.boxes, *(file_sha256(mask) for mask in influence.masks)),
        protect_invert=influence.protect_invert,
        page=reading.page,
        value_range=reading.value_range(),
        alpha=reading.alpha,
        base_model=None if model.base_model is None else file_sha256(model.base_model),
    )
