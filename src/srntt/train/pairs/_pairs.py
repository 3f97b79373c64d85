"""Training pairs made from single photographs, a batch at once on the training device: a target, references that show
some of it differently, and the truth.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from srntt._shapes import Bool, Float, Int64
from srntt.data import Pairs
from srntt.image import reduce, round_to_8bit
from srntt.train.pairs._aligned import aligned_views, seen_through, smooth_error
from srntt.train.pairs._degrade import DEGRADATIONS, degrade
from srntt.train.pairs._draws import Draws, generator
from srntt.train.pairs._pair_range import PairRange
from srntt.train.pairs._photographs import Photographs, deepest_level
from srntt.train.pairs._smooth import smooth_pictures
from srntt.train.pairs._vary_references import vary_references
from srntt.train.pairs._warp import Warp, pixel_centres

_FAR_OCTAVES = 2.0
_MARGIN = 3  # pixels around a window, for the taps of the bicubic
_PROBES = 9  # points along a side at which a view's extent is measured


@dataclass(frozen=True)
class PhotographPairs:
    """Pairs that are made from photographs when drawn."""

    photographs: Photographs
    limits: PairRange
    scale: int

    def draw(self, seed: int, step: int, samples: range, with_references: bool = True) -> Pairs:
        """Some samples of a step's batch."""
        return make_pairs(self.photographs, self.limits, seed, step, samples, self.scale)


def make_pairs(
    photographs: Photographs, limits: PairRange, seed: int, step: int, samples: range, scale: int = 4
) -> Pairs:
    """Draw some samples of a step's batch; each is the same, but for rounding, whichever others are drawn with it."""
    count, transposed = _of_the_step(limits, seed, step)
    draws = Draws([generator(seed, step, sample) for sample in samples])
    photograph = photographs.choose(draws.uniform()[:, 0])
    corner = _corner(photographs.sizes[photograph], limits.target, draws.uniform(size=2))
    flips = torch.stack([draws.chance(0.5), draws.chance(0.5)], 1).to(photographs.device)
    high_res = photographs.windows(photograph, torch.zeros_like(photograph), corner, limits.target).float() / 255
    views = _views_of_the_step(photographs, photograph, corner, limits, _Place(seed, step, samples, count), scale)
    references, truth, visible = (
        torch.cat([x.unflatten(0, (-1, count)) for x in parts], 1) for parts in zip(*views, strict=True)
    )
    placed = references.shape[1] - count
    if limits.smooth:
        high_res, chosen = _some_smooth(high_res, limits, _Place(seed, step, samples, 1), scale)
        visible = visible & ~chosen[:, None, None, None]
    streams = [generator(seed, step, sample, "degradation") for sample in samples]
    low_res = reduced(high_res, limits, streams, scale)
    pairs = Pairs(high_res, low_res, references, truth, visible, placed=placed)
    pairs = _flipped(pairs, flips)
    return _transposed(pairs) if transposed else pairs


class _Place(NamedTuple):
    """Of a batch in the run, and how many references each of its samples has."""

    seed: int
    step: int
    samples: range
    each: int

    def streams(self, *what: str) -> list[torch.Generator]:
        """One for each reference."""
        seed, step, samples, each = self
        return [generator(seed, step, sample, number, *what) for sample in samples for number in range(each)]


_Views = tuple[Float[Tensor, "n 3 R R"], Float[Tensor, "n h w 2"], Bool[Tensor, "n h w"]]
"""Views, the (y, x) in their LR grids of the targets' LR positions, and whether they show those."""


def _views_of_the_step(
    photographs: Photographs,
    photograph: Int64[Tensor, "b"],
    corner: Int64[Tensor, "b 2"],
    limits: PairRange,
    place: _Place,
    scale: int,
) -> list[_Views]:
    """The references, and in some steps once more in the frames of their targets."""
    targets = photograph.repeat_interleave(place.each), corner.repeat_interleave(place.each, 0)
    shown = _references(photographs, *targets, limits, Draws(place.streams()), scale)
    varied = vary_references(shown.references, limits.variation, place.streams("variation"), scale)
    shown = shown._replace(references=round_to_8bit(varied))
    if float(torch.rand((), generator=generator(place.seed, place.step, "aligned"))) >= limits.aligned:
        return [shown[:3]]
    draws = Draws(place.streams("aligned"))
    error = smooth_error(limits.reference, limits.misaligned, draws)
    view, truth = aligned_views(shown.references, shown.warp, shown.frame, limits.target, error, scale)
    return [shown[:3], (view, truth, seen_through(shown.visible, truth, limits.reference // scale))]


def _some_smooth(
    high_res: Float[Tensor, "b 3 H W"], limits: PairRange, place: _Place, scale: int
) -> tuple[Float[Tensor, "b 3 H W"], Bool[Tensor, " b"]]:
    """Targets, some of them replaced by smooth pictures, and which."""
    streams = place.streams("smooth")
    chosen = Draws(streams).chance(limits.smooth).to(high_res.device)
    smooth = smooth_pictures(limits.target, scale, streams, noisy=limits.degradation == "none").to(high_res.device)
    return _where(chosen, smooth, high_res), chosen


def _of_the_step(limits: PairRange, seed: int, step: int) -> tuple[int, bool]:
    """References a target, and if pictures lie on their side: the same for all samples of a step."""
    numbers = torch.rand(2, generator=generator(seed, step, "step"))
    until = torch.tensor(limits.counts).cumsum(0) / sum(limits.counts)
    count = 1 + int(torch.searchsorted(until, numbers[0]).clamp(max=len(limits.counts) - 1))
    return count, bool(numbers[1] < 0.5)


def _corner(extent: Int64[Tensor, "n 2"], size: int, share: Float[Tensor, "n 2"]) -> Int64[Tensor, "n 2"]:
    return ((extent - size + 1) * share).floor().long()


def reduced(
    high_res: Float[Tensor, "b 3 H W"], limits: PairRange, streams: list[torch.Generator], scale: int
) -> Float[Tensor, "b 3 h w"]:
    """LR pictures as the recipe wants them: by bicubic and rounding to 8 bits, or worse."""
    if limits.degradation == "none":
        return round_to_8bit(reduce(high_res, scale))
    if limits.degradation == "mixed":
        kinds = ["mild" if torch.rand((), generator=stream) < 0.5 else "real-esrgan" for stream in streams]
    else:
        kinds = [limits.degradation] * len(streams)
    each = zip(high_res.split(1), kinds, streams, strict=True)
    return torch.cat([degrade(picture, DEGRADATIONS[kind], [stream], scale) for picture, kind, stream in each])


class _Shown(NamedTuple):
    """References, the (y, x) in their LR grids of the targets' LR positions, whether they show those; their maps to
    the photographs, and the corners there of what a view by geometry would show.
    """

    references: Float[Tensor, "n 3 R R"]
    truth: Float[Tensor, "n h w 2"]
    visible: Bool[Tensor, "n h w"]
    warp: Warp
    frame: Int64[Tensor, "n 2"]


def _references(
    photographs: Photographs,
    photograph: Int64[Tensor, "n"],
    corner: Int64[Tensor, "n 2"],
    limits: PairRange,
    draws: Draws,
    scale: int,
) -> _Shown:
    """Views of the photographs of the targets at some corners."""
    unrelated, elsewhere, far = (draws.chance(share) for share in (limits.unrelated, limits.elsewhere, limits.far))
    other, anywhere = photographs.choose(draws.uniform()[:, 0]), draws.uniform(size=2)
    shown = torch.where(unrelated, other, photograph)
    inside = _corner(photographs.sizes[shown], limits.target, anywhere)
    seen = torch.where((unrelated | elsewhere)[:, None], inside, corner)
    octaves = torch.where(far, _FAR_OCTAVES, limits.warp.octaves)
    warp = Warp(limits.reference, seen + limits.target / 2, limits.warp, octaves, draws)
    references = _views(photographs, shown, warp, limits.reference)
    cells = pixel_centres(limits.target, scale) + corner[:, None, None]
    truth = warp.inverse(cells) / scale - 0.5
    visible = ((truth > -0.5) & (truth < limits.reference / scale - 0.5)).all(-1) & ~(unrelated | far)[:, None, None]
    truth = torch.where(unrelated[:, None, None, None], 0.0, truth)
    frame = torch.where(unrelated[:, None], inside, corner)
    return _Shown(references, truth.to(photographs.device), visible.to(photographs.device), warp, frame)


def _views(photographs: Photographs, shown: Int64[Tensor, "n"], warp: Warp, size: int) -> Float[Tensor, "n 3 s s"]:
    """Photographs through warps: from the level that suits each warp's scale, by bicubic."""
    level = deepest_level(warp.scale())
    shrink = (0.5**level)[:, None, None, None]
    low, high = _reach(warp(_probes(size)), photographs.sizes[shown])
    first = (low * shrink[:, 0, 0]).floor().long() - _MARGIN
    side = int(((high * shrink[:, 0, 0]).ceil().long() + _MARGIN - first).max())
    windows = photographs.windows(shown, level, first, side).float() / 255
    device = photographs.device
    extent = photographs.sizes[shown].to(device)
    position = _reflected(warp.to(device)(pixel_centres(size).to(device)), extent) * shrink.to(device)
    grid = (position - first.to(device)[:, None, None]) / side * 2 - 1
    views = F.grid_sample(windows, grid.flip(-1), mode="bicubic", padding_mode="border", align_corners=False)
    return views.clamp(0, 1)


def _probes(size: int) -> Float[Tensor, "1 p p 2"]:
    """Points across a view, a little beyond its edges: a bend may lead out between them."""
    line = torch.linspace(-4.0, size + 4.0, _PROBES)
    return torch.stack(torch.meshgrid(line, line, indexing="ij"), -1)[None]


def _reach(
    position: Float[Tensor, "n h w 2"], extent: Int64[Tensor, "n 2"]
) -> tuple[Float[Tensor, "n 2"], Float[Tensor, "n 2"]]:
    """Lowest and highest position that a view touches once it is mirrored; the edge that mirrored it among them."""
    mirrored = _reflected(position, extent)
    low = torch.where(position.amin((1, 2)) < 0, 0.0, mirrored.amin((1, 2)))
    return low, torch.where(position.amax((1, 2)) > extent, extent, mirrored.amax((1, 2)))


def _reflected(position: Float[Tensor, "n h w 2"], extent: Int64[Tensor, "n 2"]) -> Float[Tensor, "n h w 2"]:
    """Positions outside a picture, mirrored into it at its edges; those that lie a picture's size away stop there."""
    extent = extent[:, None, None].to(position.dtype)
    return (extent - (extent - position.abs()).abs()).clamp(min=0)


def _flipped(pairs: Pairs, flips: Bool[Tensor, "b 2"]) -> Pairs:
    """Some samples upside down, some mirrored, both sides alike."""
    scale = pairs.high_res.shape[-1] // pairs.low_res.shape[-1]
    last = pairs.references.shape[-1] / scale - 1
    high_res, low_res, references, truth, visible = pairs[:5]
    for axis in (0, 1):
        chosen = flips[:, axis]
        turned = truth.flip(axis + 2)
        turned[..., axis] = last - turned[..., axis]
        high_res, low_res = (_where(chosen, x.flip(axis + 2), x) for x in (high_res, low_res))
        references = _where(chosen, references.flip(axis + 3), references)
        visible = _where(chosen, visible.flip(axis + 2), visible)
        truth = _where(chosen, turned, truth)
    return Pairs(high_res, low_res, references, truth, visible, placed=pairs.placed)


def _transposed(pairs: Pairs) -> Pairs:
    """All samples on their side."""
    high_res, low_res, references = (x.transpose(-1, -2).contiguous() for x in pairs[:3])
    truth, visible = pairs.truth.transpose(2, 3).flip(-1).contiguous(), pairs.visible.transpose(2, 3).contiguous()
    return Pairs(high_res, low_res, references, truth, visible, placed=pairs.placed)


def _where(chosen: Bool[Tensor, "b"], these: Tensor, others: Tensor) -> Tensor:
    return torch.where(chosen.view(-1, *[1] * (these.ndim - 1)), these, others)
