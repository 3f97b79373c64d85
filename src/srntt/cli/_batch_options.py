"""Options of ``srntt batch`` alone."""

import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from srntt.cli._options import ModelOptions, check_quality_option, views_of
from srntt.cli._read_options import ReadOptions
from srntt.cli._size_options import InfluenceOptions, SizeOptions
from srntt.errors import InputError

if TYPE_CHECKING:
    import srntt.batch

_SMALLEST_TILE = 32


@Parameter(name="*")
@dataclass(frozen=True)
class BatchReferenceOptions:
    """Which references each picture gets.

    Attributes:
        refs: Folder of sharp pictures, or a URL. A picture photo.png gets those listed in photo.refs.txt there, else
            photo.* and what is in the folder photo, else the best of all others. Without it there are no references.
        best: How many of the shared references a picture gets, the most similar ones. Default: 4.
        augment_refs: Try each reference scaled and turned, too: slower, and better where scenes differ.
    """

    refs: Annotated[str | None, Parameter(name=["--refs", "-r"])] = None
    best: Annotated[int, Parameter(validator=Number(gte=1))] = 4
    augment_refs: bool = False


@Parameter(name="*")
@dataclass(frozen=True)
class BatchOutputOptions:
    """What is written, and where.

    Attributes:
        output: Folder for the large pictures, or a URL; made if it is not there. They are called as the small ones.
        map: Write next to each output that had references what came from them, as photo.png.map.png: the output in
            grey, tinted in a colour for each reference as far as detail came from it, with a legend below.
        map_kind: share, that; or similarity: how well each place was matched (cosine 0..1), as
            photo.png.similarity.png, in grey, of the output's size. Default: share.
        provenance: Write next to each output that had references which of them and where in it each place came from,
            as photo.png.provenance.npz.
        format: Suffix of all outputs, such as png. Default: that of each input if it can hold the output, else png.
        overwrite: Replace files that are there; without --resume everything is made again.
        resume: Pass over what an earlier run into this folder has done, unless it was changed since.
        strip: Leave out EXIF, colour profile and resolution.
        quality: Of JPEG, WebP, AVIF, HEIF and JPEG XL, 1..100, or lossless for WebP and JPEG XL. Default: 95, or
            lossless where the input is a lossless WebP or JPEG XL.
        bits: Reduce pictures of 16 bits to 8, for formats that hold no more.
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
        """Refuse results that there will not be.

        Raises:
            InputError: maps or provenance without references, or a quality that there is not.
        """
        check_quality_option(self.quality)
        if self.side_files() and not with_references:
            raise InputError("--map and --provenance show what came from references. Give some with --refs.")

    def side_files(self) -> "tuple[srntt.batch.SideFile, ...]":
        """What is written next to outputs."""
        kinds: dict[srntt.batch.SideFile, bool] = {
            "map": self.map and self.map_kind == "share",
            "similarity": self.map and self.map_kind == "similarity",
            "provenance": self.provenance,
        }
        return tuple(kind for kind, asked in kinds.items() if asked)

    def suffix(self) -> str | None:
        """Of all outputs, if one was asked for.

        Raises:
            InputError: not a format that can be written.
        """
        if self.format is None:
            return None
        from srntt.image import PICTURE_SUFFIXES

        suffix = f".{self.format.lower().removeprefix('.')}"
        if suffix not in PICTURE_SUFFIXES:
            known = ", ".join(sorted(name[1:] for name in PICTURE_SUFFIXES))
            raise InputError(f"--format {self.format}: names no format that can be written. Use one of {known}.")
        return suffix


@Parameter(name="*")
@dataclass(frozen=True)
class BatchEngineOptions:
    """Where the work is done.

    Attributes:
        engine: local, in this process, or ray, on a Ray cluster.
        workers: On a cluster: how many pictures are done at once. Default: as many as there is room for.
        gpus_per_worker: On a cluster: 0.5 lets two workers share a GPU. Default: 1 if the cluster has any, else 0.
        cpus_per_worker: On a cluster: cores of each worker. Default: 1.
        ray_address: On a cluster: where it is. Default: what RAY_ADDRESS says, else the one of this machine, else a
            cluster of this machine alone that ends with the command.
    """

    engine: Literal["local", "ray"] = "local"
    workers: Annotated[int | None, Parameter(validator=Number(gte=1))] = None
    gpus_per_worker: Annotated[float | None, Parameter(validator=Number(gte=0))] = None
    cpus_per_worker: Annotated[int | None, Parameter(validator=Number(gte=1))] = None
    ray_address: str | None = None

    def check(self) -> None:
        """Refuse what has no effect.

        Raises:
            InputError: options of a cluster without one.
        """
        given = {name: value for name, value in vars(self).items() if name != "engine" and value is not None}
        if given and self.engine != "ray":
            raise InputError(f"--{next(iter(given)).replace('_', '-')} is about a cluster. Say --engine ray, too.")

    def place(self, text: str) -> "srntt.batch.Place":
        """A folder or URL; for workers on a cluster, which have working folders of their own, an absolute path."""
        from srntt.batch import LocalFolder, place

        found = place(text)
        if self.engine == "ray" and isinstance(found, LocalFolder):
            return LocalFolder(Path(os.path.abspath(found.path)))
        return found


def upscale_options(
    outputs: BatchOutputOptions,
    references: BatchReferenceOptions,
    tile: Literal["auto"] | int,
    model: ModelOptions,
    size: SizeOptions,
    influence: InfluenceOptions,
    reading: ReadOptions,
) -> "srntt.batch.UpscaleOptions":
    """What all outputs depend on.

    Raises:
        InputError: a tile that is too small, or a range that is none.
    """
    if tile != "auto" and tile < _SMALLEST_TILE:
        raise InputError(f"--tile {tile}: too small. Give at least {_SMALLEST_TILE} pixels of the input, or auto.")
    from srntt.batch import UpscaleOptions

    return UpscaleOptions(
        tile=tile,
        views=views_of(references.augment_refs),
        strip=outputs.strip,
        quality=outputs.quality,
        bits=outputs.bits,
        matcher=model.matcher,
        align=model.align,
        size=size.size(),
        strength=influence.strength,
        protect=(*influence.boxes, *(sha256(mask.read_bytes()).hexdigest() for mask in influence.masks)),
        protect_invert=influence.protect_invert,
        page=reading.page,
        value_range=reading.value_range(),
        alpha=reading.alpha,
        base_model=None if model.base_model is None else sha256(model.base_model.read_bytes()).hexdigest(),
    )
