"""Alignment of references with the low-res picture."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from srntt._shapes import Float, Shaped
from srntt.errors import MemoryBudgetError
from srntt.image import Picture
from srntt.models import Drive, EncodedView, Progress
from srntt.upscale._encode import Encoder, report_part
from srntt.upscale._references import References
from srntt.views import TurnedViews, choose_reduction
from srntt.views.aligned import (
    MOST_POSITIONS,
    AlignedView,
    Original,
    Placement,
    TargetFeatures,
    Track,
    UprightView,
    align_densely,
    dense_matches,
    dense_matches_bytes,
    find_target_features,
    place,
    placing_bytes,
)

_ENOUGH_SHOWN = 0.99  # of the detail of a picture of a sequence, by placed references, to search near them only
_SAME_SIZE, _SAME_TURN = 0.003, 0.3  # of scale, and degrees, by which a reference may differ from the output's own grid
_PLACED = 0.5  # of the work on a reference is done when it is placed


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


def found_views(
    low_res: Float[Tensor, "3 h w"],
    references: References | None,
    encoder: Encoder,
    progress: Progress,
    track: Track | None = None,
) -> Found:
    """Add views aligned with a low-res picture in [0, 1], or, without geometry, downsampled to a suitable size.

    References that do not fit in memory are not aligned, with a note in the ``fallbacks`` of the encoder. With a track,
    references that are placed and together show nearly all of the picture are searched near each position only, unless
    one lies on the grid of the output: unchanged, it has more detail than resampled.
    """
    found = Found(list(references or ()))
    originals = references.originals if references else ()
    if not originals:
        return found
    target = find_target_features(low_res)
    if track:
        track.begin(target)
    aligner = _Aligner(low_res, target, encoder, found, track)
    for done, original in enumerate(originals):
        encoder.report = _steps(progress, done, len(originals))
        try:
            aligner.align(original)
        except MemoryBudgetError:
            encoder.fallbacks.append(f"aligning: memory does not allow it, {original.source} is searched unchanged")
        report_part(progress, "align", done, len(originals), 1.0)
    drive = encoder.drive
    if track and not _is_on_grid(found, drive.scale) and _shown(found, target) >= _ENOUGH_SHOWN:
        found.views[:] = [item for item in found.views if item.reach is not None]
    near = [item for item in found.views if item.reach is not None]
    if len(near) == 1:  # several references compete with each other instead
        found.views.extend(replace(near[0], reach=reach) for reach in drive.reaches[1:])
    return found


def _steps(progress: Progress, done: int, total: int) -> Callable[[float], None]:
    """Return what reports how far a reference is: placed, then encoded, perhaps in several views."""
    most = 0.0

    def report(part: float) -> None:
        nonlocal most
        most = max(most, _PLACED + (1 - _PLACED) * part)
        report_part(progress, "align", done, total, most)

    return report


@dataclass(frozen=True, eq=False)
class _Aligner:
    """Aligns references with a low-res picture one after the other, and adds what it finds to ``found``."""

    low_res: Float[Tensor, "3 h w"]
    target: TargetFeatures
    encoder: Encoder
    found: Found
    track: Track | None

    def align(self, original: Original) -> None:
        """Add the view of a placed reference, or of one at a suitable size, or replace the original view."""
        number, found, encoder = original.number, self.found, self.encoder
        encoder.need(original.finding_bytes)
        encoder.need(placing_bytes(self.target.size, original.features, torch.get_num_threads()))
        to_place = (self.target, original.features)
        placement = self.track.place(number, *to_place) if self.track else place(*to_place)
        encoder.report(0.0)
        own = [index for index, item in enumerate(found.views) if item.number == number]
        times = self._reduction(original) if placement is None and len(own) == 1 else 1
        reduced: list[EncodedView] = []
        if times > 1:
            picture = Picture(np.ascontiguousarray(original.pixels), source=original.source)
            reduced = encoder.encode(number, picture, [TurnedViews([(1 / times, 0)])])
        if placement is None and (matches := self._matches((reduced or [found.views[own[0]]])[0])):
            placement = align_densely(*to_place, *matches)
        if self.track:
            self.track.keep(number, placement)
        if placement:
            aligned = self._aligned(original, placement)
            if len(own) == 1 and (upright := self._upright(original, placement)):
                found.views[own[0]] = upright
            found.views.append(aligned)
            found.placements[number] = placement
        elif reduced:
            found.reductions[number] = times
            found.views.extend(reduced)

    def _reduction(self, original: Original) -> int:
        """Return the factor by which a reference of another scene should be downsampled; 1 for none."""

        def chosen(drive: Drive) -> int:
            return choose_reduction(self.low_res, original.pixels, drive.scale, drive.describe) if drive.describe else 1

        return self.encoder.align(chosen)

    def _matches(self, view: EncodedView) -> tuple[Float[np.ndarray, "n 2"], Float[np.ndarray, "n 2"]] | None:
        """Return points (x, y) of the low-res picture and of a reference that the model matches.

        None if the model does not support it, or for pictures of unsuitable size.
        """
        key = view.maps[self.encoder.drive.key]
        sizes = self.low_res[0].numel(), key[0].numel()

        def matched(drive: Drive) -> tuple[Float[np.ndarray, "n 2"], Float[np.ndarray, "n 2"]] | None:
            if not drive.describe or max(sizes) > MOST_POSITIONS:
                return None
            described = drive.appetite.described.bytes(sizes[0])
            self.encoder.need(max(described, len(key) * 4 * sizes[0] + dense_matches_bytes(len(key), *sizes)))
            query = drive.describe(self.low_res[None])
            mine, theirs = dense_matches(query.descriptor[0], query.contrast[0, 0], key.to(query.descriptor.device))
            pixels = torch.from_numpy(theirs[:, ::-1] * drive.scale + (drive.scale - 1) / 2)
            return mine, view.to_original(pixels).numpy()[:, ::-1].astype(np.float32)

        return self.encoder.align(matched)

    def _aligned(self, original: Original, placement: Placement) -> EncodedView:
        """Encode a reference warped to the viewpoint of the low-res picture; positions it does not show never match."""
        drive = self.encoder.drive
        view = AlignedView(self._filled(original), placement, drive.scale)
        encoded = self._encoded(original, placement, view)
        return replace(encoded, reach=drive.reaches[0] if drive.reaches else None)

    def _upright(self, original: Original, placement: Placement) -> EncodedView | None:
        """Encode a reference at the scale and rotation of the low-res picture, if matching would fail otherwise."""
        scale = self.encoder.drive.scale
        view = UprightView(self._filled(original), placement, scale, original.features.shown)
        needed = view.is_needed and min(view.size) >= scale
        return self._encoded(original, placement, view) if needed else None

    def _encoded(self, original: Original, placement: Placement, view: AlignedView | UprightView) -> EncodedView:
        self.encoder.plan(placement.reference, [view.size], view.bytes)
        made = view.view()
        continuous = original.continuous(made, placement.scale, self.encoder.drive.scale)
        return self.encoder.encode_view(original.number, original.source, placement.reference, made, continuous)

    def _filled(self, original: Original) -> Shaped[np.ndarray, "H W c"]:
        """Return the pixels of a reference with its margins filled, after accounting for their memory."""
        self.encoder.need(original.filling_bytes)
        return original.filled


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
