"""The public face: encode references once, upscale many pictures."""

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
from srntt.errors import InputError
from srntt.image import Limits, Picture, Source, ValueRange, resized
from srntt.memory import budget_bytes, limits_within, parse_memory, peak_bytes, start_peak
from srntt.models import Drive, EncodedView, Progress, choose_device, drive_model, fingerprint, open_model
from srntt.upscale._aligning import AlignOption, check_align, joined_found, used_references
from srntt.upscale._any_size import OutputSize, joined_origins, note, steps, worst
from srntt.upscale._base import check_takes_base, load_base
from srntt.upscale._base_model import BaseModel
from srntt.upscale._duration import Workload
from srntt.upscale._encode import Encoder
from srntt.upscale._forks import expect_forks
from srntt.upscale._forms import Form
from srntt.upscale._influence import Box, Influence
from srntt.upscale._many import upscaled
from srntt.upscale._matcher import MatcherOption, check_matcher
from srntt.upscale._own_range import deepened, own_gain, stretched, unstretch
from srntt.upscale._pass import Made, Pass
from srntt.upscale._plan import job_of
from srntt.upscale._references import References
from srntt.upscale._result import Result
from srntt.upscale._turn import in_turn
from srntt.views import PLAIN, view_makers
from srntt.views.aligned import Original
from srntt.weights import is_hub_address

_PARTS = 1000  # steps in which the progress of a reference is reported
_log = logging.getLogger(__name__)


class Upscaler:
    """A model on a device, with a memory budget.

    Args:
        model: one that the engine can drive (``srntt.models.lite.Lite``, ``PaperSRNTT``), or as ``from_pretrained``
            takes it.
        name: what messages call it.
        device: ``auto`` (GPU where there is one), ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        memory: most that the whole process may hold, in bytes or as ``"2GB"``; None for most of what is free.
        matcher: ``exact``, ``fast`` (on the CPU; nearly always the same match), or ``auto``: fast where that is
            predicted to be three times quicker and fits the memory. ``Result.matcher`` tells.
        align: ``auto`` also searches each reference as seen from where the picture was taken, where geometry can tell
            how; ``off`` searches references as they are. ``Result.references`` says what was found.
        base_model: ONNX file of another upscaler of the same factor, which makes the base of every picture; the model
            must take one. Runs on the CPU, in tiles that fit the memory; needs the extra ``onnx``.

    Example:
        >>> import numpy as np
        >>> upscaler = Upscaler.from_pretrained("lite-rec")
        >>> upscaler.upscale(np.zeros((8, 6, 3), np.uint8)).array.shape
        (32, 24, 3)
    """

    def __init__(
        self,
        model: nn.Module | str | Path,
        *,
        name: str = "",
        device: str | torch.device = "auto",
        memory: int | str | None = None,
        matcher: MatcherOption = "auto",
        align: AlignOption = "auto",
        base_model: str | Path | BaseModel | None = None,
    ) -> None:
        if not isinstance(model, nn.Module):
            model, name = open_model(model), name or _name(model)
        self.model_name, self.device = name or "model", choose_device(device)
        check_matcher(matcher, self.device)
        check_align(align)
        self._matcher: MatcherOption = matcher
        self._align: AlignOption = align
        self._memory = parse_memory(memory)
        self._model = model.eval().requires_grad_(False)
        self._fingerprint = fingerprint(model)
        self._drives: dict[torch.device, Drive] = {}
        self._drive = self._drive_on(self.device)
        self._base_model = self._opened(base_model)

    @classmethod
    def from_pretrained(
        cls,
        model: str | Path = "lite-rec",
        *,
        device: str | torch.device = "auto",
        memory: int | str | None = None,
        matcher: MatcherOption = "auto",
        align: AlignOption = "auto",
        base_model: str | Path | BaseModel | None = None,
    ) -> "Upscaler":
        """Load a model by the name of an embedded one, from a folder or .safetensors file, or from a hub.

        Args:
            model: the name, the path, or ``hf://owner/name[@revision]``, which is fetched (needs the extra ``hub``).
            device: as in the constructor; so are the others.
            memory: likewise.
            matcher: likewise.
            align: likewise.
            base_model: likewise.

        Raises:
            ModelError: missing, damaged, not a model; a hub that does not have it or cannot be reached.
            InputError: an option that does not exist.
            MissingDependencyError: a device that is not there, or the extra ``hub``.
        """
        options = {"device": device, "memory": memory, "matcher": matcher, "align": align}
        return cls(model, base_model=base_model, **options)

    def __repr__(self) -> str:
        memory = "" if self._memory is None else f", memory={self._memory}"
        about = f"{self.model_name!r}, scale={self.scale}, device='{self.device}', matcher={self._matcher!r}{memory}"
        return f"<Upscaler {about}>"

    @property
    def scale(self) -> int:
        """Output pixels for each input pixel along a side."""
        return self._drive.scale

    @property
    def model(self) -> nn.Module:
        """The network."""
        return self._model

    @property
    def matcher(self) -> MatcherOption:
        """How references are searched, as it was asked for."""
        return self._matcher

    @property
    def align(self) -> AlignOption:
        """Whether references are aligned, as it was asked for."""
        return self._align

    @property
    def memory(self) -> int | None:
        """Bytes that the whole process may hold; None for most of what is free."""
        return self._memory

    @property
    def base_model(self) -> BaseModel | None:
        """What makes the base of every picture."""
        return self._base_model

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
        """Encode sharp pictures of similar things, of any sizes, for any number of upscales.

        Args:
            references: paths, bytes, open files, Pillow images, arrays, tensors or Pictures, as ``srntt.load`` takes.
            views: kinds of views of each that are searched: ``plain``, as it is; ``turned``, in other quarter turns and
                half its size, as the paper does.
            limits: on what is read.
            progress: called with ("encode", done, total), several times for each reference.

        Pictures that are equal to an earlier one are left out: copies would only crowd out others.

        Raises:
            PictureError: one that is not a whole picture, or smaller than an LR pixel.
            InputError: one picture instead of a list, an array that is no picture, or an unknown kind of view.
            MemoryBudgetError: they do not fit.
        """
        if isinstance(references, Source):
            raise InputError("This is one reference; give a list of them: encode_references([reference]).")
        if not isinstance(references, Iterable):
            raise InputError(f"references are {type(references).__name__}; give a list of pictures.")
        given, makers = list(references), view_makers(views)
        encoder = Encoder(self._drive_on, self.device, budget_bytes(self._memory))
        encoder.fallbacks += expect_forks()
        encoded: list[EncodedView] = []
        originals: list[Original] = []
        seen: set[bytes] = set()
        for done, source in enumerate(given):
            if progress:
                encoder.report = partial(_report_part, progress, done, len(given))
            picture = image.load(source, limits=limits_within(limits, self._memory))
            if (digest := picture.digest()) not in seen:
                picture = stretched(picture)
                encoded += encoder.encode(len(seen), picture, makers)
                originals.append(Original.of(len(seen), picture))
            seen.add(digest)
            if progress:
                _report_part(progress, done, len(given), 1.0)
        if copies := len(given) - len(seen):
            encoder.fallbacks.append(f"references: {copies} of {len(given)} left out, for they are equal to others")
        return References(self._fingerprint, encoded, originals, tuple(encoder.fallbacks), self.model_name)

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
        progress: Progress | None = None,
    ) -> Result:
        """Upscale a picture with detail from references, or without any.

        Args:
            picture: path, bytes, open file, Pillow image, array, tensor or Picture, as ``srntt.load`` takes them.
            references: what ``encode_references`` returned, to use them for several pictures; or a list of pictures,
                as it takes them; None or an empty list for single-image super-resolution.
            scale: output pixels for each input pixel along a side, from 1 to the square of the model's factor; None for
                the model's. Below the model's factor its output is reduced by antialiased bicubic; above it, there is
                a second pass, in which the references are matched once more, at the size that it needs.
            size: width and height of the output in place of a scale; one of them may be None and follows.
            strength: how far references are used: 0, exactly as without any, to 1, as the model decides.
            protect: where they are not used: boxes (x, y, width, height) in input pixels, and masks, pictures of any
                size, laid over the whole picture, whose white places are protected. The output there is exactly that
                without references.
            protect_invert: use references in these places alone.
            base: the picture as another upscaler enlarged it, exactly ``scale`` times, for the model to go on from: it
                passes unchanged where it has enough detail and references have none. None for bicubic, or for what the
                upscaler's base model makes.
            tile: side of a tile in LR pixels, or ``auto``.
            consistent: change the output as little as it takes for its reduction by bicubic to be the input, to 1/255;
                ``Result.consistency`` and ``fallbacks`` tell where that cannot be.
            value_range: as ``srntt.load`` takes it: the values that are black and white, for floats outside [0, 1] and
                for signed or 32-bit integers.
            limits: on what is read.
            progress: called with ("base", "align", "match", "render" or "consistent", done, total); what it raises,
                such as ``Cancelled``, ends the work.

        Raises:
            PictureError: not a whole picture.
            InputError: references of another model; a tile that is too small; a base of another size; a size, strength
                or place that cannot be.
            MemoryBudgetError: does not fit even in the smallest pieces.
            ModelError: the model returned values that are not finite, or takes no base.
            Cancelled: raised by ``progress``.
        """
        began = time.perf_counter()
        start_peak()
        if references is not None and not isinstance(references, References):
            references = self.encode_references(references, limits=limits, progress=progress)
        encoded = self._checked(references)
        if not isinstance(tile, int) and tile != "auto":
            raise InputError(f"tile is {tile!r}; give a whole number of LR pixels, or 'auto'.")
        if base is not None:
            check_takes_base(self._drive, self.model_name)
        width, height = size or (None, None)
        output = OutputSize(scale, width, height)
        within = limits_within(limits, self._memory)
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
            memory=self._memory,
            matcher=self._matcher,
            align=self._align,
            base_model=self._base_model if base is None else None,
            tile=None if tile == "auto" else tile,
            consistent=consistent,
            progress=progress or _silent,
        )
        sizes = steps((source.height, source.width), target, self.scale)
        if len(sizes) > 1:  # refused before the first pass, not after it
            work.plan(job_of(seen, sizes[0]), encoded)
        passes: list[Made] = []
        for number, step in enumerate(sizes):
            placed = influence and influence.resized(seen.height, seen.width)
            made = work.make(seen, references, under, placed, step)
            bits = source.bits if number == len(sizes) - 1 else seen.bits
            seen, under = resized(made.picture, step, bits), None
            passes.append(replace(made, picture=seen, found=made.found.without_views()))
            del made  # and its picture, before the next pass makes another
        unstretch(seen.color, gain)
        result = self._result(
            picture=image.picture_like(
                source, seen.color, seen.alpha, bands=seen.bands, notes=note(source, target, self.scale)
            ),
            passes=passes,
            references=references,
            seconds=time.perf_counter() - began,
            forked=forked,
            form=Form.of(picture),
        )
        _log.info(
            "%s: %d x %d, %d references, %.2f s%s", source.source, source.width, source.height,
            len(result.references), result.seconds, "".join(f"; {text}" for text in result.fallbacks),
        )  # fmt: skip
        return result

    def upscale_many(
        self,
        pictures: Iterable[Source],
        references: References | Iterable[Source] | None = None,
        *,
        ahead: int = 1,
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
            tile, consistent, value_range, limits: as for ``upscale``.

        Yields:
            One result for each picture, in order. An error of ``upscale`` is raised in place of its picture's result
            and ends the iteration; `srntt batch` goes on after errors.

        Raises:
            InputError: ``ahead`` below 1.
        """
        if ahead < 1:
            raise InputError(f"ahead is {ahead}; give a number of pictures from 1.")
        if references is None or isinstance(references, References):
            encoded = references
        else:
            encoded = self.encode_references(references, limits=limits)

        def read(source: Source) -> Picture:
            return image.load(source, limits=limits_within(limits, self._memory), value_range=value_range)

        def upscale(picture: Picture, progress: Progress) -> Result:
            return self.upscale(picture, encoded, tile=tile, consistent=consistent, limits=limits, progress=progress)

        return upscaled(pictures, read, upscale, ahead)

    def _result(
        self,
        picture: Picture,
        passes: list[Made],
        references: References | None,
        seconds: float,
        forked: tuple[str, ...],
        form: Form,
    ) -> Result:
        first, last = passes[0], passes[-1]
        origin = joined_origins(first.provenance, last.provenance)
        fallbacks = (
            *forked,
            *(references.fallbacks if references else ()),
            *(t for one in passes for t in one.fallbacks),
        )
        return Result(
            picture=picture,
            similarity=last.similarity,
            provenance=origin,
            references=used_references(references, origin, joined_found(first.found, last.found), self.scale),
            seconds=seconds,
            predicted_bytes=max(one.peak for one in passes),
            peak_bytes=peak_bytes(),
            tile=last.tile,
            matcher=last.matcher,
            matcher_reason=last.matcher_reason,
            fallbacks=tuple(dict.fromkeys(fallbacks)) if len(passes) > 1 else fallbacks,
            consistency=worst([one.consistency for one in passes]),
            form=form,
            base=first.base,
        )

    def units(self, load: Workload) -> list[tuple[str, float]]:
        """The stages of an upscale in order, and how much there is to do in each: what a `Schedule` is made of."""
        return list(load.units(self._drive, self._matcher, self.device))

    def _opened(self, base_model: str | Path | BaseModel | None) -> BaseModel | None:
        if base_model is None:
            return None
        check_takes_base(self._drive, self.model_name)
        opened = base_model if isinstance(base_model, BaseModel) else BaseModel(base_model)
        opened.check_scale(self.scale, self.model_name)
        return opened

    def _checked(self, references: References | None) -> list[EncodedView]:
        if references is None:
            return []
        references.check_made_for(self._fingerprint)
        references.check_maps(self._pattern, self._drive.key)
        return list(references)

    @cached_property
    def _pattern(self) -> dict[str, torch.Tensor]:
        """Maps of a small picture, which all others have the form of."""
        return self._drive.encode(torch.zeros(3, 16, 16))

    def _drive_on(self, device: torch.device) -> Drive:
        """The model on a device; made once for each."""
        if device not in self._drives:
            model = copy.deepcopy(self._model) if self._drives else self._model
            self._drives[device] = drive_model(model, device)
        return self._drives[device]


def _name(model: str | Path) -> str:
    return str(model) if is_hub_address(model) else Path(model).name


def _report_part(progress: Progress, done: int, total: int, part: float) -> None:
    progress("encode", round(_PARTS * (done + part)), _PARTS * total)


def _silent(stage: str, done: int, total: int) -> None:
    pass
