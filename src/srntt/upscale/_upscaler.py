"""Public interface: encode references once, upscale many pictures."""

import copy
import logging
import time
from collections.abc import Generator, Iterable, Sequence
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Literal

import torch
from torch import nn

from srntt import image
from srntt._defaults import with_original_defaults
from srntt.errors import InputError
from srntt.image import Limits, Picture, Source, ValueRange
from srntt.memory import budget_bytes, limits_within, parse_memory, start_peak
from srntt.models import Drive, EncodedView, Progress, choose_device, drive_model, fingerprint, open_model
from srntt.upscale._any_size import OutputSize, checked_size, note, steps
from srntt.upscale._base import check_takes_base, load_base
from srntt.upscale._base_model import BaseModel
from srntt.upscale._duration import Workload
from srntt.upscale._encode import Encoder, report_part
from srntt.upscale._forms import Form
from srntt.upscale._influence import Box, Influence
from srntt.upscale._many import upscaled
from srntt.upscale._options import (
    AlignOption,
    MatcherOption,
    PrecisionOption,
    check_call,
    check_options,
    check_tile,
    is_half,
)
from srntt.upscale._own_range import deepened, own_gain, stretched, unstretch
from srntt.upscale._pass import Pass
from srntt.upscale._provenance import used_level
from srntt.upscale._references import References
from srntt.upscale._result import Result
from srntt.upscale._turn import expect_forks, in_turn
from srntt.views import PLAIN, view_makers
from srntt.views.aligned import Original, Track
from srntt.weights import is_hub_address

_log = logging.getLogger(__name__)


class Upscaler:
    """Upscaler with a model, on a device and within a memory budget.

    Args:
        model: Model with a drive (``srntt.models.lite.Lite``, ``PaperSRNTT``), which is moved to the device, put in
            evaluation mode and used without gradients; or as for ``from_pretrained``.
        name: Name of the model in messages.
        device: ``auto`` (the GPU if there is one), ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        memory: Memory budget of the process, in bytes or as ``"2GB"``; None for most of the available memory.
        matcher: ``exact``, ``fast`` (CPU only; nearly always the same match), or ``auto``, which chooses fast if it is
            predicted to be three times faster and fits in memory. ``Result.matcher`` states which was used.
        align: ``auto`` also searches each reference warped to the viewpoint of the picture, if its geometry can be
            estimated; ``off`` does not. ``Result.references`` states the outcome.
        precision: ``auto`` computes the network in bfloat16 on processors that have instructions for it: nearly twice
            as fast, and on pans from photographs within 0.01 dB; the output then depends on the processor.
        base_model: ONNX file of another upscaler of the same scale, whose output is the base of every picture; the
            model must support it. It runs on the CPU, in tiles that fit in memory, and requires the extra ``onnx``.

    Attributes:
        model: The network.
        model_name: Its name in messages.
        fingerprint: Hash of its configuration and weights.
        scale: Its upscaling factor.
        device: Device on which it runs.
        memory: Memory budget of the process, in bytes; None for most of the available memory.
        matcher: Requested matcher.
        align: Requested alignment of references.
        base_model: Base model, or None.

    Example:
        >>> import numpy as np
        >>> upscaler = Upscaler.from_pretrained("lite-rec")
        >>> upscaler.upscale(np.zeros((8, 6, 3), np.uint8)).array.shape
        (32, 24, 3)
    """

    @with_original_defaults
    def __init__(
        self,
        model: nn.Module | str | Path,
        *,
        name: str = "",
        device: str | torch.device = "auto",
        memory: int | str | None = None,
        matcher: MatcherOption = "auto",
        align: AlignOption = "auto",
        precision: PrecisionOption = "float32",
        base_model: str | Path | BaseModel | None = None,
    ) -> None:
        if not isinstance(model, nn.Module):
            model, name = open_model(model), name or _name(model)
        self.model_name, self.device = name or "model", choose_device(device)
        check_options(matcher, align, precision, self.device)
        self.matcher: MatcherOption = matcher
        self.align: AlignOption = align
        self._half = is_half(precision, self.device)
        self.memory = parse_memory(memory)
        self.model = model.eval().requires_grad_(False)
        self.fingerprint = fingerprint(model)
        self._drives: dict[torch.device, Drive] = {}
        self._drive = self._drive_on(self.device)
        self.scale = self._drive.scale
        if base_model is not None:
            check_takes_base(self._drive, self.model_name)
            base_model = base_model if isinstance(base_model, BaseModel) else BaseModel(base_model, self.memory)
            base_model.check_scale(self.scale, self.model_name)
        self.base_model = base_model

    @classmethod
    def from_pretrained(
        cls,
        model: str | Path = "lite-rec",
        *,
        device: str | torch.device = "auto",
        memory: int | str | None = None,
        matcher: MatcherOption = "auto",
        align: AlignOption = "auto",
        precision: PrecisionOption = "float32",
        base_model: str | Path | BaseModel | None = None,
    ) -> "Upscaler":
        """Load an embedded model by name, a model from a folder or .safetensors file, or from a hub.

        Args:
            model: Name, path, or ``hf://owner/name[@revision]``, which is downloaded (requires the extra ``hub``).
            device, memory, matcher, align, precision, base_model: As in the constructor.

        Raises:
            ModelError: The model is missing or damaged, or the hub does not have it or cannot be reached.
            InputError: An option is invalid.
            MissingDependencyError: The device is not available, or the extra ``hub`` is not installed.
        """
        options = {"device": device, "memory": memory, "matcher": matcher, "align": align, "precision": precision}
        return cls(model, base_model=base_model, **options)

    def __repr__(self) -> str:
        memory = "" if self.memory is None else f", memory={self.memory}"
        about = f"{self.model_name!r}, scale={self.scale}, device='{self.device}', matcher={self.matcher!r}{memory}"
        return f"<Upscaler {about}>"

    @in_turn
    @torch.inference_mode()
    def encode_references(
        self,
        references: Iterable[Source],
        *,
        views: Sequence[str] = PLAIN,
        limits: Limits = Limits(),  # noqa: B008 (frozen)
        progress: Progress | None = None,
    ) -> References:
        """Encode references, sharper pictures of similar content, of any size, for any number of upscales.

        Duplicates are skipped, because they would displace other candidates.

        Args:
            references: Paths, bytes, open files, Pillow images, arrays, tensors or Pictures, as for ``srntt.load``.
            views: Kinds of views of each to search: ``plain``, unchanged; ``turned``, also rotated by quarter turns and
                at half the size, as in the paper.
            limits: Limits on reading.
            progress: Called with ("encode", done, total), several times for each reference.

        Returns:
            The encoded references.

        Raises:
            PictureError: A file is not a complete picture, or a picture is smaller than an LR pixel.
            InputError: A single picture instead of a list, an invalid array, or an unknown kind of view.
            MemoryBudgetError: The work exceeds the memory budget.
        """
        if isinstance(references, Source):
            raise InputError("This is one reference; give a list of them: encode_references([reference]).")
        if not isinstance(references, Iterable):
            raise InputError(f"references are {type(references).__name__}; give a list of pictures.")
        check_call(progress)
        given, makers = list(references), view_makers(views)
        encoder = Encoder(self._drive_on, self.device, budget_bytes(self.memory))
        encoder.fallbacks += expect_forks()
        encoded: list[EncodedView] = []
        originals: list[Original] = []
        seen: set[bytes] = set()
        for done, source in enumerate(given):
            encoder.report = partial(report_part, progress or _silent, "encode", done, len(given))
            picture = image.load(source, limits=limits_within(limits, self.memory))
            if (digest := picture.digest()) not in seen:
                picture = stretched(picture)
                encoded += encoder.encode(len(seen), picture, makers)
                originals.append(Original.of(len(seen), picture))
            seen.add(digest)
            encoder.report(1.0)
        if copies := len(given) - len(seen):
            encoder.fallbacks.append(f"references: {copies} of {len(given)} skipped, because they are duplicates")
        return References(self.fingerprint, encoded, originals, tuple(encoder.fallbacks), self.model_name)

    @in_turn
    @torch.inference_mode()
    def upscale(
        self,
        picture: Source,
        references: References | Iterable[Source] | None = None,
        *,
        scale: float | int | None = None,
        size: tuple[int | None, int | None] | None = None,
        strength: float | int = 1.0,
        protect: Iterable[Source | Box] = (),
        protect_invert: bool = False,
        base: Source | None = None,
        tile: int | Literal["auto"] = "auto",
        consistent: bool = False,
        value_range: ValueRange = None,
        limits: Limits = Limits(),  # noqa: B008 (frozen)
        track: Track | None = None,
        progress: Progress | None = None,
    ) -> Result:
        """Upscale a picture, with or without detail from references.

        Args:
            picture: Path, bytes, open file, Pillow image, array, tensor or Picture, as for ``srntt.load``.
            references: Result of ``encode_references``, reusable for several pictures, or a list of pictures; None or
                empty for single-image super-resolution.
            scale: Upscaling factor, from 1 to the square of the scale of the model; None for the scale of the model.
                For smaller factors, the output is downsampled by antialiased bicubic; for larger ones, a second pass
                matches the references again, at the size that it needs.
            size: Width and height of the output instead of a scale; one of them may be None.
            strength: Strength of the references, from 0 (exactly as without references) to 1.
            protect: Places where references are not used: boxes (x, y, width, height) in input pixels, and masks,
                pictures of any size that are white in protected places. The output there is exactly that without
                references.
            protect_invert: Use references in these places only.
            base: Output of another upscaler, exactly ``scale`` times larger, from which the model starts: it is kept
                where it has enough detail and references are not used. None for bicubic, or for the base model.
            tile: Side of a tile in LR pixels, or ``auto``.
            consistent: Change the output minimally such that it downsamples (bicubic) to the input, to 1/255;
                ``Result.consistency`` and ``fallbacks`` state where this is impossible.
            value_range: Values of black and white, as for ``srntt.load``, for floats outside [0, 1] and for signed or
                32-bit integers.
            limits: Limits on reading.
            track: For pictures of a sequence, such as a film: carries the alignment of references from one picture to
                the next, which is faster. References that are aligned and together show nearly all of the picture are
                then searched near each position only. The same object is given with every picture.
            progress: Called with ("base", "align", "match", "render" or "consistent", done, total); an exception, such
                as ``Cancelled``, ends the work.

        Returns:
            The output, with information on how it was computed.

        Raises:
            PictureError: The file is not a complete picture.
            InputError: References of another model, a tile that is too small, a base of another size, or an invalid
                size, strength, place or option.
            MemoryBudgetError: The work exceeds the memory budget even in the smallest tiles.
            ModelError: The model returned values that are not finite, or does not support a base.
            Cancelled: Raised by ``progress``.
        """
        began = time.perf_counter()
        check_call(progress, protect_invert=protect_invert, consistent=consistent)
        check_tile(tile)
        if track is not None and not isinstance(track, Track):
            raise InputError(f"track is {type(track).__name__}; give srntt.views.aligned.Track(), or None.")
        start_peak()
        if references is not None and not isinstance(references, References):
            references = self.encode_references(references, limits=limits, progress=progress)
        if references is not None:
            references.check_made_for(self.fingerprint, self._pattern, self._drive.key)
        if base is not None:
            check_takes_base(self._drive, self.model_name)
        output = OutputSize(scale, *checked_size(size))
        within = limits_within(limits, self.memory)
        source = image.load(picture, limits=within, value_range=value_range)
        target = output.of(source.height, source.width, self.scale)
        influence = Influence.of(source, strength, protect, invert=protect_invert, limits=within)
        under = None if base is None else load_base(base, source, self.scale, within)
        gain = own_gain(source)
        seen = stretched(source, gain)
        if target != (source.height * self.scale, source.width * self.scale):
            seen = deepened(seen)
        under = under and stretched(under, gain)
        forked = expect_forks()
        work = Pass(
            drive_on=self._drive_on,
            device=self.device,
            memory=self.memory,
            matcher=self.matcher,
            align=self.align,
            base_model=self.base_model if base is None else None,
            tile=None if tile == "auto" else tile,
            consistent=consistent,
            level=used_level(self.model_name),
            progress=progress or _silent,
            track=track,
            half=self._half,
        )
        sizes = steps((source.height, source.width), target, self.scale)
        made = work.through(sizes, seen, references, under, influence, source.bits)
        large = made.picture
        unstretch(large.color, gain)
        notes = note(source, target, self.scale)
        result = replace(
            made,
            picture=image.picture_like(source, large.color, large.alpha, bands=large.bands, notes=notes),
            seconds=time.perf_counter() - began,
            fallbacks=(*forked, *(references.fallbacks if references else ()), *made.fallbacks),
            form=Form.of(picture),
        )
        _log.info(
            "%s: %d x %d, references: %d, %.2f s%s", source.source, source.width, source.height,
            len(result.references), result.seconds, "".join(f"; {text}" for text in result.fallbacks),
        )  # fmt: skip
        return result

    def upscale_many(
        self,
        pictures: Iterable[Source],
        references: References | Iterable[Source] | None = None,
        *,
        ahead: int = 1,
        scale: float | int | None = None,
        size: tuple[int | None, int | None] | None = None,
        strength: float | int = 1.0,
        tile: int | Literal["auto"] = "auto",
        consistent: bool = False,
        value_range: ValueRange = None,
        limits: Limits = Limits(),  # noqa: B008 (frozen)
    ) -> Generator[Result, None, None]:
        """Upscale pictures one after another with the same references.

        While one picture is computed, the next is read, and the caller can write the previous result. Closing the
        iterator, or leaving a loop over it, cancels what was started.

        Args:
            pictures: each as for ``upscale``; may be endless.
            references: as for ``upscale``.
            ahead: pictures that are started before their result is requested, from 1; each is held in memory.
            scale, size, strength, tile, consistent, value_range, limits: as for ``upscale``.

        Yields:
            One result for each picture, in order. An error of ``upscale`` is raised in place of its picture's result
            and ends the iteration; `srntt batch` continues after errors.

        Raises:
            InputError: ``ahead`` below 1.
        """
        if not isinstance(pictures, Iterable):
            raise InputError(f"pictures are {type(pictures).__name__}; give a list or an iterator of pictures.")
        if not isinstance(ahead, int) or ahead < 1:
            raise InputError(f"ahead is {ahead!r}; give a number of pictures from 1.")
        if references is not None and not isinstance(references, References):
            references = self.encode_references(references, limits=limits)

        def read(source: Source) -> Picture:
            return image.load(source, limits=limits_within(limits, self.memory), value_range=value_range)

        options = {"scale": scale, "size": size, "strength": strength, "tile": tile, "consistent": consistent}
        upscale = partial(self.upscale, references=references, limits=limits, **options)
        return upscaled(pictures, read, upscale, ahead)

    def units(self, load: Workload) -> list[tuple[str, float]]:
        """Return the stages of an upscale in order, with the amount of work in each, for a `Schedule`."""
        return list(load.units(self._drive, self.matcher, self.device))

    @cached_property
    def _pattern(self) -> dict[str, torch.Tensor]:
        """Return the maps of a small picture, to validate others by."""
        return self._drive.encode(torch.zeros(3, 16, 16))

    def _drive_on(self, device: torch.device) -> Drive:
        """Return the drive of the model on a device, created once for each."""
        if device not in self._drives:
            model = copy.deepcopy(self.model) if self._drives else self.model
            self._drives[device] = drive_model(model, device)
        return self._drives[device]


def _name(model: str | Path) -> str:
    return str(model) if is_hub_address(model) else Path(model).name


def _silent(stage: str, done: int, total: int) -> None:
    pass
