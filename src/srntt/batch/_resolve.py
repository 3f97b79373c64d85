"""From a task to the files that its output depends on: read, hashed, and the references chosen."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal

from srntt.batch._descriptor import describe
from srntt.batch._shared_references import ReferenceFile, SharedReferences, decode
from srntt.batch._tasks import SIDE_FILES, Batch, SideFile, Task
from srntt.errors import InputError, PictureError
from srntt.image import Limits, Picture, Quality
from srntt.memory import limits_within
from srntt.views import PLAIN

_KEY_VERSION = 2  # another one once the same files give another picture
_KEEP_BYTES = 2**25  # of a task's own references, so that they are not read twice
_QUALITY = 95  # what None was in earlier manifests


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
        base_model: SHA-256 of the upscaler that makes bases; None for none.
    """

    tile: Literal["auto"] | int = "auto"
    views: tuple[str, ...] = PLAIN
    strip: bool = False
    quality: Quality = None
    bits: Literal[8] | None = None
    matcher: Literal["auto", "exact", "fast"] = "auto"
    align: Literal["auto", "off"] = "auto"
    consistent: bool = False
    base_model: str | None = None


def _settings(options: UpscaleOptions) -> dict[str, Any]:
    """As they were in earlier manifests, where nothing new was asked for."""
    settings = asdict(options) | {"quality": options.quality or _QUALITY}
    return settings if options.base_model else {name: settings[name] for name in settings if name != "base_model"}


class InputFile:
    """A picture file, read and hashed once; it is decoded at the first use, and its bytes are then dropped, unless
    it has several pages.

    Args:
        content: of the file.
        source: its path or URL.
        limits: on what is decoded.
    """

    def __init__(self, content: bytes, source: str, limits: Limits) -> None:
        self.sha256 = hashlib.sha256(content).hexdigest()
        self._content, self._source, self._limits = content, source, limits

    @cached_property
    def picture(self) -> Picture:
        """Raises PictureError if it is no whole picture."""
        picture = decode(self._content, self._source, self._limits)
        if picture.metadata.page[1] == 1:
            self._content = b""
        return picture

    def pages(self) -> Iterator[Picture]:
        """All pages of a TIFF of several, one at a time."""
        for number in range(1, self.picture.metadata.page[1] + 1):
            yield decode(self._content, self._source, self._limits, page=number)


@dataclass(frozen=True)
class ResolvedTask:
    """A task with what its output depends on.

    Attributes:
        task: what is to be done.
        input: the small picture.
        references: in order.
        side_files: what is written next to the output.
    """

    task: Task
    input: InputFile
    references: tuple[ReferenceFile, ...]
    side_files: tuple[SideFile, ...]

    def key(self, options: UpscaleOptions, model: str) -> str:
        """A hash of everything that the output's pixels depend on: bytes, not names or times.

        Args:
            options: of the output.
            model: fingerprint of the weights.
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
        """Names of all that is written if the output gets this name: side files, and itself, last."""
        return (*(output + SIDE_FILES[kind] for kind in self.side_files), output)


class Resolver:
    """Reads the files of tasks.

    Args:
        batch: that they are of.
        shared: the shared references.
        best: how many of them a picture gets.
        limits: on what is read.
        memory: bytes that the process may hold, or None.
    """

    def __init__(self, batch: Batch, shared: SharedReferences, best: int, limits: Limits, memory: int | None) -> None:
        self._batch, self._shared, self._best = batch, shared, best
        self._limits, self._memory = limits, memory
        self._hashes: dict[str, str] = {}
        self._kept: dict[str, bytes] = {}

    @property
    def limits(self) -> Limits:
        """On what is read now."""
        return limits_within(self._limits, self._memory)

    def resolve(self, task: Task) -> ResolvedTask:
        """Read the picture, and what references it has.

        Raises:
            InputError: what was found wrong already.
            PictureError: the picture or one of its own references is no whole picture; a reference is not there.
        """
        if task.problem:
            raise InputError(task.problem)
        self._kept.clear()
        inputs, limits = self._batch.inputs, self.limits
        file = InputFile(inputs.read(task.name, limits), inputs.locate(task.name), limits)
        if task.references is not None:
            references = self._own(task.references)
        elif self._shared.files:
            references = self._shared.best(describe(file.picture), self._best, but=file.sha256)
        else:
            references = ()
        return ResolvedTask(task, file, references, self._batch.side_files if references else ())

    def open_input(self, task: Task) -> Picture:
        """Decode the small picture of a task, without its references.

        Raises:
            PictureError: it is no whole picture.
        """
        inputs, limits = self._batch.inputs, self.limits
        return decode(inputs.read(task.name, limits), inputs.locate(task.name), limits)

    def open_reference(self, file: ReferenceFile) -> Picture:
        """Decode a reference.

        Raises:
            PictureError: it is no whole picture, or not what was hashed any more.
        """
        assert self._batch.references
        source = self._batch.references.locate(file.name)
        content = self._kept.pop(file.sha256, None)
        if content is None:
            content = self._batch.references.read(file.name, self.limits)
            if hashlib.sha256(content).hexdigest() != file.sha256:
                raise PictureError(f"{source}: changed while the batch was running. Run it again with --resume.")
        return decode(content, source, self.limits)

    def _own(self, names: Sequence[str]) -> tuple[ReferenceFile, ...]:
        """Own references, each content once."""
        files = [self._reference(name) for name in names]
        return tuple({file.sha256: file for file in reversed(files)}.values())[::-1]

    def _reference(self, name: str) -> ReferenceFile:
        assert self._batch.references
        if name not in self._hashes:
            try:
                content = self._batch.references.read(name, self.limits)
            except PictureError as error:
                raise PictureError(f"reference {error}") from error
            self._hashes[name] = hashlib.sha256(content).hexdigest()
            if len(content) + sum(map(len, self._kept.values())) <= _KEEP_BYTES:
                self._kept[self._hashes[name]] = content
        return ReferenceFile(name, self._hashes[name])
