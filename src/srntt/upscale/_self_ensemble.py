"""Geometric self-ensemble: mean of eight upscales with flipped and rotated picture and references."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from srntt import image
from srntt._shapes import Shaped
from srntt.errors import InputError
from srntt.image import Limits, Picture, Source
from srntt.memory import limits_within
from srntt.models import Progress
from srntt.upscale._any_size import OutputSize, checked_size, note
from srntt.upscale._base import load_base
from srntt.upscale._consistent import back_project, consistency
from srntt.upscale._forms import Form
from srntt.upscale._influence import Box, Influence
from srntt.upscale._options import check_call
from srntt.upscale._result import Result, over_passes
from srntt.upscale._upscaler import Upscaler
from srntt.views import PLAIN


@dataclass(frozen=True)
class _Turn:
    """Symmetry of a square: an optional mirror, followed by a number of quarter turns."""

    mirrored: bool
    quarters: int

    def of(self, picture: Picture) -> Picture:
        """Transform a picture; further bands are kept in the untransformed pass only, which suffices for them."""
        alpha = None if picture.alpha is None else self.array(picture.alpha)
        bands = None if self.mirrored or self.quarters else picture.bands
        return replace(picture, color=self.array(picture.color), alpha=alpha, bands=bands)

    def undo(self, samples: Shaped[np.ndarray, "h w c"]) -> Shaped[np.ndarray, "h2 w2 c"]:
        """Invert the transform."""
        turned = np.rot90(samples, -self.quarters)
        return turned[:, ::-1] if self.mirrored else turned

    def array(self, samples: Shaped[np.ndarray, "h w ..."]) -> Shaped[np.ndarray, "h2 w2 ..."]:
        """Transform samples."""
        return np.ascontiguousarray(np.rot90(samples[:, ::-1] if self.mirrored else samples, self.quarters))


_TURNS = [_Turn(mirrored, quarters) for mirrored in (False, True) for quarters in range(4)]  # the first changes nothing


def self_ensemble(
    upscaler: Upscaler,
    picture: Source,
    references: Iterable[Source] = (),
    *,
    scale: float | int | None = None,
    size: tuple[int | None, int | None] | None = None,
    strength: float | int = 1.0,
    protect: Iterable[Source | Box] = (),
    protect_invert: bool = False,
    base: Source | None = None,
    views: Sequence[str] = PLAIN,
    tile: int | Literal["auto"] = "auto",
    consistent: bool = False,
    limits: Limits = Limits(),  # noqa: B008 (frozen)
    progress: Progress | None = None,
) -> Result:
    """Upscale a picture in all eight flips and rotations, and average the outputs, for eight times the work.

    The geometric self-ensemble of Timofte, Rothe and Van Gool, "Seven ways to improve example-based single image super
    resolution" (CVPR 2016), with references transformed together with the picture. It is exactly equivariant: outputs
    are summed as integers, so that a flipped or rotated picture gives the flipped or rotated output, byte for byte, if
    tiles are equal (set ``tile`` if memory is short). References are encoded for one transform at a time, and so are
    given as pictures.

    Args:
        upscaler: Upscaler with the model.
        picture: As for ``Upscaler.upscale``.
        references: As for ``Upscaler.encode_references``; empty for single-image super-resolution.
        scale, size, strength, protect_invert: As for ``Upscaler.upscale``.
        protect, base: As for ``Upscaler.upscale``; transformed with the picture.
        views: Kinds of views of each reference to search.
        tile: Side of a tile in LR pixels, or ``auto``.
        consistent: Make the mean consistent with the input.
        limits: Limits on reading.
        progress: Called with ("ensemble", done, 8), and by each pass like that of ``upscale``.

    Returns:
        The mean. Similarity, provenance, tile and matcher are those of the untransformed pass, ``seconds`` is the total
        time, and the memory that of the largest pass.

    Raises:
        SrnttError: See ``encode_references`` and ``upscale``.

    Example:
        >>> upscaler = Upscaler.from_pretrained("lite-rec")
        >>> self_ensemble(upscaler, np.zeros((8, 6, 3), np.uint8)).array.shape
        (32, 24, 3)
    """
    began = time.perf_counter()
    check_call(progress, protect_invert=protect_invert, consistent=consistent)
    if isinstance(references, Source):
        raise InputError("This is one reference; give a list of them: self_ensemble(upscaler, picture, [reference]).")
    within = limits_within(limits, upscaler.memory)
    source = image.load(picture, limits=within)
    under = None if base is None else load_base(base, source, upscaler.scale, within)
    sharp = [image.load(reference, limits=within) for reference in references]
    target = OutputSize(scale, *checked_size(size)).of(source.height, source.width, upscaler.scale)
    native = target == (source.height * upscaler.scale, source.width * upscaler.scale)
    placed = Influence.of(source, strength, protect, invert=protect_invert, limits=within)

    def upscaled(turn: _Turn) -> Result:
        """Run one pass; its encoded references are released afterwards."""
        turned = [turn.of(one) for one in sharp]
        height, width = target if turn.quarters % 2 == 0 else target[::-1]
        return upscaler.upscale(
            turn.of(source),
            upscaler.encode_references(turned, views=views, progress=progress) if turned else None,
            size=(width, height),
            strength=strength,
            protect=[turn.array(placed.protected.numpy())] if placed else [],
            base=None if under is None else turn.of(under),
            tile=tile,
            consistent=consistent and not native,
            progress=progress,
        )

    total = _zeros(source, target)
    passes: list[Result] = []
    bands = None
    for turn in _TURNS:
        result = upscaled(turn)
        total += turn.undo(result.array)
        bands = result.picture.bands if bands is None else bands
        kept = replace(result, picture=source)  # a result without its own picture
        passes.append(replace(kept, similarity=None, provenance=None) if passes else kept)
        del result  # before the next pass makes another
        if progress:
            progress("ensemble", len(passes), len(_TURNS))
    output = replace(_mean(total, source), bands=bands)
    if consistent and native:
        back_project(source, output.color, progress)
    whole = over_passes(passes[0], passes)
    measured = consistency(source, output.color) if native else whole.consistency
    return replace(
        whole,
        picture=replace(output, notes=(*output.notes, *note(source, target, upscaler.scale))),
        seconds=time.perf_counter() - began,
        fallbacks=(*whole.fallbacks, *(measured.shortfall() if consistent else ())),
        consistency=measured,
        form=Form.of(picture),
    )


def _zeros(source: Picture, size: tuple[int, int]) -> Shaped[np.ndarray, "H W c"]:
    """Allocate the sum of eight outputs, before the first pass, so that every plan accounts for it."""
    channels = source.color.shape[2] + (source.alpha is not None)
    kind = np.uint16 if source.bits == 8 else np.uint32
    return np.full((*size, channels), 0, kind)


def _mean(total: Shaped[np.ndarray, "H W c"], source: Picture) -> Picture:
    """Compute the mean, rounding half up, in place if possible."""
    total += len(_TURNS) // 2
    total //= len(_TURNS)
    colors = source.color.shape[2]
    alpha = None if source.alpha is None else total[:, :, colors].astype(source.alpha.dtype)
    return image.picture_like(source, total[:, :, :colors].astype(source.color.dtype), alpha)
