"""How the engine drives the light model: its steps, in bands of rows and tiles."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from itertools import chain

import torch
from torch import Tensor

from srntt._shapes import Float
from srntt.features import Description
from srntt.match import Match, Matcher, Sizes, Window
from srntt.memory import cuts
from srntt.models._drive import Progress, Rendered
from srntt.models._encoded_view import EncodedView
from srntt.models.lite._based import blend_with_base
from srntt.models.lite._costs import FRAMED_AT_ONCE, REFINED_CHANNELS, LiteCosts
from srntt.models.lite._fusion import EVIDENCE, JACOBIAN
from srntt.models.lite._network import Lite

Describe = Callable[[int, int], Description]
"""Describes the rows top..bottom of a picture, as if seen with the whole."""


class LiteDrive:
    """Descriptors and texture bands of references; the best match in each, refined to a fraction; tiles in which the
    most similar ones compete.
    """

    halo = 24  # the network sees further, but what lies there moves no output by half a level (tests/upscale)
    context = 64
    patch = 1
    key = "descriptor"
    reaches: tuple[int, ...] = (0, 2)

    def __init__(self, model: Lite, device: torch.device) -> None:
        self._model = model.to(device).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self._device = device
        self.scale = model.scale
        self.takes_base = model.config.base
        encoder = model.encoder
        self._costs = LiteCosts(model.config, encoder.hidden, encoder.receptive_radius, self.patch)
        self.appetite = self._costs.appetite

    def encode(self, band: Float[Tensor, "3 H W"]) -> dict[str, Float[Tensor, "c _ _"]]:
        """Descriptor and contrast on the LR grid, texture bands on finer ones."""
        return {name: whole[0] for name, whole in self._model.encode(band.to(self._device)[None]).items()}

    def describe(self, low_res: Float[Tensor, "b 3 h w"]) -> Description:
        """Descriptor and contrast of every position."""
        return self._model.describe(low_res.to(self._device))

    def match(
        self,
        low_res: Float[Tensor, "3 h w"],
        references: list[EncodedView],
        band: int,
        matcher: Matcher,
        progress: Progress,
    ) -> Match:
        """Match every view on its own, and keep the best few for each position: of those that are searched anywhere,
        and of those in the frame of the picture, as many each.
        """
        numbered = list(enumerate(references))
        anywhere = [each for each in numbered if each[1].reach is None]
        nearby = [each for each in numbered if each[1].reach is not None]
        describe = lru_cache(1)(partial(self._describe, low_res))  # a picture in one band is described once for all
        kept, height = [], low_res.shape[1]
        for views in filter(None, (anywhere, nearby)):
            best = self._empty(min(len(views), self._model.config.candidates), EVIDENCE + JACOBIAN, low_res)
            for place, (number, item) in enumerate(views):
                whole, top = self._empty(1, REFINED_CHANNELS, low_res), 0
                for found in self._find(describe, (height, low_res.shape[2]), item, band, matcher):
                    rows = slice(top, top + found.similarity.shape[1])
                    whole.fill(rows, found)
                    top = rows.stop
                    progress("match", number * height + top, height * len(references))
                item.rest()
                for top, bottom in cuts(height, FRAMED_AT_ONCE):
                    best.offer(place, slice(top, bottom), self._framed(whole, item, top, bottom), number)
            kept.append(best)
        return Match.joined(kept)

    def matching_bytes(
        self, matcher: Matcher, size: tuple[int, int], keys: Sequence[int], band: int, threads: int
    ) -> int:
        """See `LiteCosts`."""
        return self._costs.matching(matcher, size, keys, band, threads)

    def render(
        self,
        low_res: Float[Tensor, "3 h w"],
        match: Match | None,
        window: Window,
        references: list[EncodedView],
        strength: Float[Tensor, "_ _"] | None = None,
        base: Float[Tensor, "3 _ _"] | None = None,
    ) -> Rendered:
        """One tile."""
        seen = low_res[None, :, *window].to(self._device)
        under, strength = (None if x is None else x[None].to(self._device) for x in (base, strength))
        textures = None
        if match is not None:
            textures = self._model.sample(match.crop(window).batched(), [item.batch for item in references])
        fused = self._model.fuse(seen, textures, under, None if strength is None else strength[None])
        picture = fused.picture if under is None else blend_with_base(seen, under, fused.picture, fused.share)
        return Rendered(picture[0], None if textures is None else fused.share[0])

    def _empty(self, candidates: int, channels: int, low_res: Float[Tensor, "3 h w"]) -> Match:
        return Match.empty(candidates, channels, (low_res.shape[1], low_res.shape[2]), self._device)

    def _find(
        self, describe: Describe, size: tuple[int, int], item: EncodedView, band: int, matcher: Matcher
    ) -> Iterator[Match]:
        """The refined matches in one reference, band by band."""
        maps, waiting = item.batch, deque[Description]()
        key, (height, width) = item.maps[self.key], size
        if item.reach is not None:
            for top, bottom in cuts(height, band):
                yield self._model.match_nearby(describe(top, bottom), maps, item.reach, top)
            return
        sizes = Sizes(height * width, (key[0].numel(),), key.shape[0], self.patch)

        def queries() -> Iterator[Tensor]:
            for query in _described(describe, matcher.bands(height, band, sizes), band):
                waiting.append(query)
                yield query.descriptor[0]

        for found in matcher.search(queries(), [key], patch=self.patch):
            yield self._model.refine(waiting.popleft(), maps, found.batched())

    def _describe(self, low_res: Float[Tensor, "3 h w"], top: int, bottom: int) -> Description:
        reach = self._model.encoder.receptive_radius
        outer = slice(max(0, top - reach), min(low_res.shape[1], bottom + reach))
        described = self.describe(low_res[None, :, outer])
        return Description(*(x[:, :, top - outer.start : bottom - outer.start] for x in described))

    def _framed(self, whole: Match, item: EncodedView, top: int, bottom: int) -> Match:
        """Some rows of the matches in one reference; frames are taken with the neighbours above and below."""
        outer = slice(max(0, top - 1), min(whole.similarity.shape[-2], bottom + 1))
        seen = self._model.with_frames(whole.candidate(0).crop(Window(outer, slice(None))))
        framed = seen.crop(Window(slice(top - outer.start, bottom - outer.start), slice(None)))
        return framed if item.valid is None else self._model.masked(framed, item.valid)


def _described(describe: Describe, bands: list[tuple[int, int]], at_once: int) -> Iterator[Description]:
    """Bands of rows, each described as if seen with the whole picture; tall ones in pieces of so many rows."""
    for top, bottom in bands:
        if bottom - top <= 2 * at_once:
            yield describe(top, bottom)
        else:
            yield _joined((describe(*part) for part in cuts(bottom, at_once, top)), bottom - top)


def _joined(bands: Iterator[Description], height: int) -> Description:
    """Bands of rows as one, put there as they come."""
    first = next(bands)
    whole = Description(*(x.new_empty(*x.shape[:2], height, x.shape[3]) for x in first))
    top = 0
    for band in chain([first], bands):
        for part, x in zip(whole, band, strict=True):
            part[:, :, top : top + x.shape[2]] = x
        top += band.contrast.shape[2]
    return whole
