"""Resolution of a task to the files that its output depends on: reading, hashing and choice of references."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal

from srntt.batch._library_references import LibraryReferences
from srntt.batch._shared_references import ReferenceFile, SharedReferences
from srntt.batch._tasks import SIDE_FILES, Batch, SideFile, Task
from srntt.errors import InputError, PictureError
from srntt.image import Ground, Limits, Picture, Quality, ValueRange, load_content
from srntt.memory import limits_within
from srntt.upscale import Box, OutputSize
from srntt.views import PLAIN

_KEY_VERSION = 2  # to be increased when the same files give a different output
_KEEP_BYTES = 2**25  # bytes of a task's own references that are kept to avoid reading them twice
_QUALITY = 95  # value of None in earlier manifests


@dataclass(frozen=True)
class UpscaleOptions:
    """What an output depends on besides pictures and weights.

    Attributes:
        tile: side of a tile in pixels of the input, or ``auto``.
        views: kinds of views of references that are searched.
        strip: leave out EXIF, colour profile and resolution.
        quality: of lossy formats, 1..100; ``lossless`` for WebP and JPEG XL; None for 95, or lossless where the input
            is.
        bits: 8 to reduce pictures of 16 bits.
        matcher: how references are searched: ``auto``, ``exact`` or ``fast``.
        align: whether references are aligned by geometry: ``auto`` or ``off``.
        consistent: make the output's reduction the input.
        self_ensemble: take the mean over eight flips and turns.
        base_model: SHA-256 of the upscaler that makes bases; None for none.
        page: of TIFFs of several, the one that is upscaled, from 1; None for all.
        size: of the outputs.
        strength: how far references are used.
        protect: where they are not: boxes, and the SHA-256 of each mask.
        protect_invert: use them there alone.
        value_range: of the inputs, as ``srntt.image.load`` takes it; so is ``alpha``.
    """

    tile: Literal["auto"] | int = "auto"
    views: tuple[str, ...] = PLAIN
    strip: bool = False
    quality: Quality = None
    bits: Literal[8] | None = None
    matcher: Literal["auto", "exact", "fast"] = "auto"
    align: Literal["auto", "off"] = "auto"
    consistent: bool = False
    self_ensemble: bool = False
    base_model: str | None = None
    size: OutputSize = OutputSize()  # noqa: RUF009 (frozen)
    strength: float | int = 1.0
    protect: tuple[Box | str, ...] = ()
    protect_invert: bool = False
    page: int | None = None
    value_range: ValueRange = None
    alpha: Ground = "auto"

    def decode(self, content: bytes, source: str, limits: Limits, page: int | None = None) -> Picture:
        """Decode an input, at `page`, else the page of the options, else the first."""
        return load_content(
            content, source, limits=limits, page=page or self.page, value_range=self.value_range, alpha=self.alpha
        )


_LATER = (
    "self_ensemble",
    "size",
    "strength",
    "protect",
    "protect_invert",
    "base_model",
    "page",
    "value_range",
    "alpha",
)


def _settings(options: UpscaleOptions) -> dict[str, Any]:
    """Return the options as in earlier manifests, without newer options at their defaults."""
    settings, plain = asdict(options) | {"quality": options.quality or _QUALITY}, asdict(UpscaleOptions())
    return {name: value for name, value in settings.items() if name not in _LATER or value != plain[name]}


class InputFile:
    """Picture file, read and hashed once, and decoded at first use; its bytes are then dropped, unless it has several
    pages.
    """

    def __init__(self, content: bytes, source: str, limits: Limits, options: UpscaleOptions) -> None:
        self.sha256 = hashlib.sha256(content).hexdigest()
        self._content, self._source, self._limits, self._options = content, source, limits, options

    @cached_property
    def picture(self) -> Picture:
        """Decoded picture; raises PictureError if the file is not a complete picture."""
        picture = self._options.decode(self._content, self._source, self._limits)
        if picture.metadata.page[1] == 1 or self._options.page:
            self._content = b""
        return picture

    def pages(self) -> Iterator[Picture]:
        """Yield the pages of a multi-page TIFF, one at a time."""
        for number in range(1, self.picture.metadata.page[1] + 1):
            yield self._options.decode(self._content, self._source, self._limits, number)


@dataclass(frozen=True)
class ResolvedTask:
    """Task with the files its output depends on, the references in order, and the kinds of files written next to it."""

    task: Task
    input: InputFile
    references: tuple[ReferenceFile, ...]
    side_files: tuple[SideFile, ...]

    def key(self, options: UpscaleOptions, model: str) -> str:
        """Return a hash of everything that the pixels of the output depend on: contents, not names or times.

        `model` is its fingerprint.
        """
        about = {
            "version": _KEY_VERSION,
            "input": self.input.sha256,
            "references": [file.sha256 for file in self.references],
            "model": model,
            "settings": _settings(options),
        }
        return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()

    def files(self, output: str) -> tuple[str, ...]:
        """Return the names of all files of an output of this name: side files, and the output last."""
        return (*(output + SIDE_FILES[kind] for kind in self.side_files), output)


@dataclass
class Resolver:
    """Reader of the files of tasks.

    `best` is the number of shared references for a picture; `most` and the memory limit the files read.
    """

    batch: Batch
    shared: SharedReferences | LibraryReferences
    options: UpscaleOptions
    best: int
    most: Limits
    memory: int | None

    def __post_init__(self) -> None:
        self._hashes: dict[str, str] = {}
        self._kept: dict[str, bytes] = {}

    @property
    def limits(self) -> Limits:
        """Limits on what is read now, given the current memory."""
        return limits_within(self.most, self.memory)

    def resolve(self, task: Task) -> ResolvedTask:
        """Read the picture and its references.

        Raises:
            InputError: The task has a problem that was found when planning.
            PictureError: The picture or one of its own references is not a complete picture, or a reference is missing.
        """
        if task.problem:
            raise InputError(task.problem)
        self._kept.clear()
        inputs, limits = self.batch.inputs, self.limits
        file = InputFile(inputs.read(task.name, limits), inputs.locate(task.name), limits, self.options)
        if task.references is not None:
            references = self._own(task.references)
        else:
            references = self.shared.best_for(file.picture, file.sha256, self.best)
        return ResolvedTask(task, file, references, self.batch.side_files if references else ())

    def open_input(self, task: Task) -> Picture:
        """Decode the low-res picture of a task, without its references; raise PictureError if it is not complete."""
        inputs, limits = self.batch.inputs, self.limits
        return self.options.decode(inputs.read(task.name, limits), inputs.locate(task.name), limits)

    def open_reference(self, file: ReferenceFile) -> Picture:
        """Decode a reference; raise PictureError if it is not complete, or has changed since it was hashed."""
        assert self.batch.references
        source = self.batch.references.locate(file.name)
        content = self._kept.pop(file.sha256, None)
        if content is None:
            content = self.batch.references.read(file.name, self.limits)
            if hashlib.sha256(content).hexdigest() != file.sha256:
                raise PictureError(f"{source}: changed while the batch was running. Run it again with --resume.")
        return load_content(content, source, limits=self.limits)

    def _own(self, names: Sequence[str]) -> tuple[ReferenceFile, ...]:
        """Return the picture's own references, without duplicates."""
        files = [self._reference(name) for name in names]
        return tuple({file.sha256: file for file in reversed(files)}.values())[::-1]

    def _reference(self, name: str) -> ReferenceFile:
        assert self.batch.references
        if name not in self._hashes:
            try:
                content = self.batch.references.read(name, self.limits)
            except PictureError as error:
                raise PictureError(f"reference {error}") from error
            self._hashes[name] = hashlib.sha256(content).hexdigest()
            if len(content) + sum(map(len, self._kept.values())) <= _KEEP_BYTES:
                self._kept[self._hashes[name]] = content
        return ReferenceFile(name, self._hashes[name])
