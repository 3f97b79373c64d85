"""Alignment of references with the low-res picture."""

from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from srntt._shapes import Float
from srntt.errors import InputError, MemoryBudgetError
from srntt.models import EncodedView, Progress
from srntt.upscale._encode import Encoder, report_part
from srntt.upscale._provenance import Provenance
from srntt.upscale._references import References
from srntt.views import TurnedViews
from srntt.views.aligned import (
    Original,
    Placement,
    TargetFeatures,
    Track,
    align_densely,
    find_target_features,
    place,
    placing_bytes,
)

_ENOUGH_SHOWN = 0.99  # of the detail of a picture of a sequence, by placed references, to search near them only
_SAME_SIZE, _SAME_TURN = 0.003, 0.3  # of scale, and degrees, by which a reference may differ from the output's own grid
_PLACED = 0.5  # of them are done when it is placed

AlignOption = Literal["auto", "off"]
"""``auto`` also searches an aligned view of each reference where its geometry can be estimated."""


@dataclass(frozen=True, repr=False)
class UsedReference:
    """How a reference was used.

    Attributes:
        source: Name of the reference.
        share: Fraction of the picture with detail from it, 0 .. 1 (`Provenance.shares`).
        placement: Alignment with the low-res picture; None if no geometry was found or alignment is off.
        scale: Upscaling factor.
        reduced: Factor by which it was downsampled for an additional search; 1 for none.
    """

    source: str
    share: float
    placement: Placement | None
    scale: int
    reduced: int = 1

    def __repr__(self) -> str:
        return f"<UsedReference {self.source!r}: {self.description}; share {self.share:.2f}>"

    @property
    def description(self) -> str:
        """Describe the alignment: ``same scene, 2.9x larger, 3 planes; covers 61% of the picture``."""
        if self.placement:
            return self.placement.describe(self.scale)
        smaller = "" if self.reduced == 1 else f" and at 1/{self.reduced} of its size"
        return f"no geometry found; searched unchanged{smaller}"

    def as_json(self) -> dict[str, Any]:
        """Return the fields by name; geometry is None if none was found."""
        placed = self.placement
        geometry = placed and {
            "scale": round(placed.scale / self.scale, 3),
            "turn_degrees": round(placed.turn, 1),
            "planes": placed.used_planes,
            "coverage": round(placed.coverage, 4),
        }
        about = {"description": self.description, "geometry": geometry, "reduced": self.reduced}
        return {"source": self.source, "share": round(self.share, 4), **about}


@dataclass(frozen=True)
class Found:
    """Result of aligning the references with a low-res picture.

    Attributes:
        views: Views to search; initially the encoded ones.
        placements: Alignment of the references whose geometry was found, by number.
        reductions: Downsampling factor of other references, by number, if any.
    """

    views: list[EncodedView]
    placements: dict[int, Placement] = field(default_factory=dict)
    reductions: dict[int, int] = field(default_factory=dict)

    def without_views(self) -> "Found":
        """Return a copy without the views, which take memory."""
        return Found([], self.placements, self.reductions)


def joined_found(first: Found, last: Found) -> Found:
    """Combine two passes: the alignment of the first pass, relative to the low-res picture, takes precedence."""
    return Found([], last.placements | first.placements, last.reductions | first.reductions)


def check_align(option: str) -> None:
    """Validate the option.

    Raises:
        InputError: The option is unknown.
    """
    if option not in get_args(AlignOption):
        raise InputError(f"align is {option!r}; give {' or '.join(map(repr, get_args(AlignOption)))}.")


def found_views(
    low_res: Float[Tensor, "3 h w"],
    references: References | None,
    encoder: Encoder,
    progress: Progress,
    track: Track | None = None,
) -> Found:
    """Add views aligned with a low-res picture, or, without geometry, downsampled to a suitable size.

    References that do not fit in memory are not aligned, with a note in the ``fallbacks`` of the encoder.

    Args:
        low_res: Low-res picture, in [0, 1].
        references: Encoded references with their original pictures.
        encoder: Encoder of the model.
        progress: Called with ("align", done, total).
        track: Placements against the picture before, of a sequence. References that are placed and together show
            nearly all of the picture are then searched near each position only, unless one lies on the grid of the
            output: unchanged, it has more detail than resampled.
    """
    found = Found(list(references or ()))
    given = references.originals if references else ()
    if not given:
        return found
    target = find_target_features(low_res)
    if track:
        track.begin(target)
    for done, original in enumerate(given):
        encoder.report = _Steps(progress, done, len(given))
        try:
            _find(low_res, target, original, encoder, found, track)
        except MemoryBudgetError:
            encoder.fallbacks.append(f"aligning: memory does not allow it, {original.source} is searched unchanged")
        report_part(progress, "align", done, len(given), 1.0)
    drive = encoder.drive_on(encoder.device)
    if track and not _is_on_grid(found, drive.scale) and _shown(found, target) >= _ENOUGH_SHOWN:
        found.views[:] = [item for item in found.views if item.reach is not None]
    near = [item for item in found.views if item.reach is not None]
    if len(near) == 1:  # several references compete with each other instead
        found.views.extend(replace(near[0], reach=reach) for reach in drive.reaches[1:])
    return found


class _Steps:
    """Reports how far the alignment of one of the references is: placed, then encoded, perhaps in several views."""

    def __init__(self, progress: Progress, done: int, total: int) -> None:
        self._progress, self._done, self._total, self._most = progress, done, total, 0.0

    def __call__(self, part: float) -> None:
        self._most = max(self._most, _PLACED + (1 - _PLACED) * part)
        report_part(self._progress, "align", self._done, self._total, self._most)


def _find(
    low_res: Float[Tensor, "3 h w"],
    target: TargetFeatures,
    original: Original,
    encoder: Encoder,
    found: Found,
    track: Track | None,
) -> None:
    """Align one reference, and add its view or replace the original one.

    Args:
        low_res: Low-res picture.
        target: Its features for alignment.
        original: Original reference.
        encoder: Encoder of the model.
        found: Result so far, changed in place.
        track: Placements against the picture before, or None.
    """
    number, threads = original.number, torch.get_num_threads()
    encoder.need(original.finding_bytes)
    encoder.need(placing_bytes(target.size, original.features, threads))
    placement = track.place(number, target, original.features) if track else place(target, original.features)
    encoder.report(0.0)
    places = [place for place, item in enumerate(found.views) if item.number == number]
    times = encoder.reduction(low_res, original) if placement is None and len(places) == 1 else 1
    reduced = encoder.encode(number, original.picture, [TurnedViews([(1 / times, 0)])]) if times > 1 else []
    if placement is None and (matches := encoder.matches(low_res, (reduced or [found.views[places[0]]])[0])):
        placement = align_densely(target, original.features, *matches)
    if track:
        track.keep(number, placement)
    if placement:
        aligned = encoder.encode_aligned(original, placement)
        if len(places) == 1 and (upright := encoder.encode_upright(original, placement)):
            found.views[places[0]] = upright
        found.views.append(aligned)
        found.placements[number] = placement
    elif reduced:
        found.reductions[number] = times
        found.views.extend(reduced)


def _shown(found: Found, target: TargetFeatures) -> float:
    """Share of the picture that placed references show, weighted by its detail: what is flat resembles nothing."""
    alike = [placement.alike for placement in found.placements.values()]
    if not alike:
        return 0.0
    down, right = np.gradient(target.gray)
    detail = down * down + right * right
    return float((detail * np.logical_or.reduce(alike)).sum() / max(float(detail.sum()), 1e-12))


def _is_on_grid(found: Found, scale: int) -> bool:
    """Whether any reference has the pixels of the output, as a frame of the same camera has."""
    placed = found.placements.values()
    return any(abs(one.scale / scale - 1) < _SAME_SIZE and abs(one.turn) < _SAME_TURN for one in placed)


def used_references(
    references: References | None, origin: Provenance | None, found: Found, scale: int
) -> tuple[UsedReference, ...]:
    """Return the outcome of each reference.

    Args:
        references: References.
        origin: Provenance of the output; None without matches.
        found: Their alignment.
        scale: Scale of the model.
    """
    if not references:
        return ()
    shares = origin.shares() if origin else [0.0] * len(references.sources)
    return tuple(
        UsedReference(source, share, found.placements.get(number), scale, found.reductions.get(number, 1))
        for number, (source, share) in enumerate(zip(references.sources, shares, strict=True))
    )
