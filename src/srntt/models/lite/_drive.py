"""How the engine drives the light model: its steps, in bands of rows and tiles."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from srntt._shapes import Float
from srntt.features import Description
from srntt.match import Match, Matcher, Sizes, Window, local_match
from srntt.memory import cuts
from srntt.models._drive import Appetite, Progress, Rendered
from srntt.models._encoded_view import EncodedView
from srntt.models.lite._fusion import EVIDENCE
from srntt.models.lite._network import JACOBIAN, Lite
from srntt.transfer import REFINED_AT_ONCE

_REFINED_CHANNELS = 2  # of the evidence of a refined match
_FRAMED_AT_ONCE = 256  # rows

# Bytes, measured by benchmarks/memory.py.
_DESCRIBED = 1100  # while a position of a band is described
_REFINED = 9 * 64 * 4 * 2  # while a match is refined
_FOUND = 22  # a position's match in one reference


class LiteDrive:
    """Descriptors and texture bands of references; the best match in each, refined to a fraction; tiles in which the
    most similar ones compete.
    """

    halo = 24  # the network sees further, but what lies there moves no output by half a level (tests/upscale)
    context = 64
    patch = 1
    key = "descriptor"
    reach: int | None = 2
    appetite = Appetite(
        encode=100, encoded=33, matched=46, candidates=3, alone=2050, render=4500, another=1400, first=80_000_000
    )

    def __init__(self, model: Lite, device: torch.device) -> None:
        self._model = model.to(device).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self._device = device
        self.scale = model.scale

    def encode(self, band: Float[Tensor, "3 H W"]) -> dict[str, Float[Tensor, "c _ _"]]:
        """Descriptor and contrast on the LR grid, texture bands on finer ones."""
        return {name: whole[0] for name, whole in self._model.encode(band.to(self._device)[None]).items()}

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
        kept, height = [], low_res.shape[1]
        for views in filter(None, (anywhere, nearby)):
            best = self._empty(min(len(views), self._model.config.candidates), EVIDENCE + JACOBIAN, low_res)
            for place, (number, item) in enumerate(views):
                whole, top = self._empty(1, _REFINED_CHANNELS, low_res), 0
                for found in self._find(low_res, item, band, matcher):
                    rows = slice(top, top + found.similarity.shape[1])
                    whole.fill(rows, found)
                    top = rows.stop
                    progress("match", number * height + top, height * len(references))
                item.rest()
                for top, bottom in cuts(height, _FRAMED_AT_ONCE):
                    best.offer(place, slice(top, bottom), self._framed(whole, item, top, bottom), number)
            kept.append(best)
        return Match.joined(kept)

    def matching_bytes(
        self, matcher: Matcher, size: tuple[int, int], keys: Sequence[int], band: int, threads: int
    ) -> int:
        """Bands are described, and in fast matching wait for their neighbours; the matches of a reference at a time."""
        height, width = size
        sizes = Sizes(height * width, tuple(keys), self._model.config.descriptor, self.patch)
        rows = max(bottom - top for top, bottom in matcher.bands(height, band, sizes))
        described = min(rows + 2 * self._model.encoder.receptive_radius, height) * width * _DESCRIBED
        found = height * width * _FOUND + min(rows * width, REFINED_AT_ONCE) * _REFINED
        waiting = matcher.waiting(sizes) * rows * width * (sizes.channels + 1) * 4
        return described + found + waiting + matcher.bytes(replace(sizes, queries=rows * width), threads)

    def render(
        self, low_res: Float[Tensor, "3 h w"], match: Match | None, window: Window, references: list[EncodedView]
    ) -> Rendered:
        """One tile."""
        seen = low_res[None, :, *window].to(self._device)
        if match is None:
            return Rendered(self._model.fuse(seen, None).picture[0], None)
        textures = self._model.sample(match.crop(window).batched(), [item.batch for item in references])
        fused = self._model.fuse(seen, textures)
        return Rendered(fused.picture[0], fused.share[0])

    def _empty(self, candidates: int, channels: int, low_res: Float[Tensor, "3 h w"]) -> Match:
        return Match.empty(candidates, channels, (low_res.shape[1], low_res.shape[2]), self._device)

    def _find(self, low_res: Float[Tensor, "3 h w"], item: EncodedView, band: int, matcher: Matcher) -> Iterator[Match]:
        """The refined matches in one reference, band by band."""
        maps, waiting = item.batch, deque[Description]()
        key, (_, height, width) = item.maps[self.key], low_res.shape
        if item.reach is not None:
            for top, bottom in cuts(height, band):
                (query,) = self._described(low_res, [(top, bottom)])
                found = local_match(query.descriptor[0], key, top=top, reach=item.reach)
                yield self._model.refine(query, maps, found.batched())
            return
        sizes = Sizes(height * width, (key[0].numel(),), key.shape[0], self.patch)

        def queries() -> Iterator[Tensor]:
            for query in self._described(low_res, matcher.bands(height, band, sizes)):
                waiting.append(query)
                yield query.descriptor[0]

        for found in matcher.search(queries(), [key], patch=self.patch):
            yield self._model.refine(waiting.popleft(), maps, found.batched())

    def _described(self, low_res: Float[Tensor, "3 h w"], bands: list[tuple[int, int]]) -> Iterator[Description]:
        """Bands of rows, each described as if it were seen with the whole picture."""
        reach = self._model.encoder.receptive_radius
        for top, bottom in bands:
            outer = slice(max(0, top - reach), min(low_res.shape[1], bottom + reach))
            described = self._model.describe(low_res[None, :, outer].to(self._device))
            yield Description(*(x[:, :, top - outer.start : bottom - outer.start] for x in described))

    def _framed(self, whole: Match, item: EncodedView, top: int, bottom: int) -> Match:
        """Some rows of the matches in one reference; frames are taken with the neighbours above and below."""
        outer = slice(max(0, top - 1), min(whole.similarity.shape[-2], bottom + 1))
        seen = self._model.with_frames(whole.candidate(0).crop(Window(outer, slice(None))))
        framed = seen.crop(Window(slice(top - outer.start, bottom - outer.start), slice(None)))
        return framed if item.valid is None else self._model.masked(framed, item.valid)
