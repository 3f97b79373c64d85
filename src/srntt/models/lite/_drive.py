"""How the engine drives the light model."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from srntt._shapes import Float
from srntt.features import Description, TextureBands, texture_bands
from srntt.match import (
    STRIP,
    Match,
    Matcher,
    Window,
    dense_match,
    fast_match,
    fast_match_bytes,
    fast_match_strips,
    is_sketched,
    strips_bytes,
)
from srntt.memory import cuts
from srntt.models._drive import Appetite, Progress, Rendered, dense_match_bytes
from srntt.models._references import EncodedReference
from srntt.models.lite._network import Lite, Textures, sample_bands, stack_evidence
from srntt.transfer import local_frames, refine_match

_CHANNELS = 63  # of Textures.bands
_CANDIDATES = 3  # for each position, as many as training shows
_EVIDENCE, _JACOBIAN = 4, 4  # channels of a field's extra
_REFINED_AT_ONCE = 4096  # positions; each gathers nine descriptors
_FRAMED_AT_ONCE = 256  # rows

# Bytes, measured by benchmarks/memory.py.
_DESCRIBED = 1100  # while a position of a band is described
_REFINED = 9 * 64 * 4 * 2  # while a match is refined
_WAITING = 4  # strips that are described and not yet matched


class LiteMethod:
    """Descriptors and texture bands of references; the best match in each, refined to a fraction; tiles in which the
    most similar ones compete.
    """

    scale = 4
    halo = 24  # the network sees further, but what lies there moves no output by half a level (tests/upscale)
    context = 64
    patch = 1
    key = "descriptor"
    appetite = Appetite(
        encode=100, encoded=33, matched=46, candidates=3, alone=2050, render=4500, another=1400, first=80_000_000
    )

    def __init__(self, model: Lite, device: torch.device) -> None:
        self._model = model.to(device).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self._device = device

    def encode(self, band: Float[Tensor, "3 H W"]) -> dict[str, Float[Tensor, "c _ _"]]:
        """Descriptor and contrast at 1x, texture bands at 1x, 2x and 4x."""
        band = band.to(self._device)[None]
        description = self._model.encoder.describe_reference(band)
        maps = {"descriptor": description.descriptor, "contrast": description.contrast, **texture_bands(band)._asdict()}
        return {name: whole[0] for name, whole in maps.items()}

    def match(
        self,
        low_res: Float[Tensor, "3 h w"],
        references: list[EncodedReference],
        band: int,
        matcher: Matcher,
        progress: Progress,
    ) -> Match:
        """Match every reference on its own, and keep the best few for each position."""
        height, width = low_res.shape[1:]
        places = min(len(references), _CANDIDATES)
        field = Match.empty(places, _EVIDENCE + _JACOBIAN, (height, width), self._device)
        for number, item in enumerate(references):
            whole, top = _Found.empty(height, width, self._device), 0
            for found in self._find(low_res, item, band, matcher):
                top = whole.place(top, found)
                progress("match", number * height + top, height * len(references))
            item.rest()
            for rows, candidate in whole.candidates(number):
                field.offer(number, rows, candidate)
        return field

    def matching_bytes(
        self, matcher: Matcher, size: tuple[int, int], keys: Sequence[int], band: int, threads: int
    ) -> int:
        """Bands are described, and in fast matching wait for their neighbours; the matches of a reference at a time."""
        height, width = size
        rows = min(self._rows(height, band, matcher), height)
        described = min(rows + 2 * self._model.encoder.receptive_radius, height) * width * _DESCRIBED
        found = height * width * _Found.bytes + min(rows * width, _REFINED_AT_ONCE) * _REFINED
        channels = self._model.config.descriptor
        if matcher == "exact":
            return described + found + dense_match_bytes(rows * width, keys, channels)
        if self._is_whole(matcher):
            whole = fast_match_bytes(rows * width, keys, channels, self.patch, threads)
            return described + found + rows * width * (channels + 1) * 4 + whole
        waiting = _WAITING * rows * width * (channels + 1) * 4
        return described + found + waiting + strips_bytes(rows * width, keys, channels, threads)

    def render(
        self, low_res: Float[Tensor, "3 h w"], field: Match | None, window: Window, references: list[EncodedReference]
    ) -> Rendered:
        """One tile."""
        seen = low_res[None, :, *window].to(self._device)
        if field is None:
            return Rendered(self._model(seen)[0], None)
        image, share = self._model.with_gate(seen, _sample(field.crop(window), references))
        return Rendered(image[0], share[0])

    def _find(
        self, low_res: Float[Tensor, "3 h w"], item: EncodedReference, band: int, matcher: Matcher
    ) -> "Iterator[_Found]":
        """The matches in one reference, band by band."""
        key, height = item.maps[self.key], low_res.shape[1]
        rows = self._rows(height, band, matcher)
        if matcher == "exact" or self._is_whole(matcher):
            search = dense_match if matcher == "exact" else fast_match
            for description in self._described(low_res, cuts(height, rows)):
                yield self._refined(description, search(description.descriptor[0], [key], patch=self.patch), item)
            return
        waiting: deque[Description] = deque()
        bands = [(top, min(height, top + rows)) for top in range(0, height, rows)]

        def strips() -> Iterator[Tensor]:
            for description in self._described(low_res, bands):
                waiting.append(description)
                yield description.descriptor[0]

        for found in fast_match_strips(strips(), key):
            yield self._refined(waiting.popleft(), found, item)

    def _is_whole(self, matcher: Matcher) -> bool:
        """Long descriptors are searched by a projection that is made of all of them: not in strips."""
        return matcher == "fast" and is_sketched(self._model.config.descriptor, self.patch)

    def _rows(self, height: int, band: int, matcher: Matcher) -> int:
        """How many are described and matched at once."""
        if self._is_whole(matcher):
            return height
        return max(STRIP, band // STRIP * STRIP) if matcher == "fast" else band

    def _described(self, low_res: Float[Tensor, "3 h w"], bands: list[tuple[int, int]]) -> Iterator[Description]:
        """Bands of rows, each described as if it were seen with the whole picture."""
        reach = self._model.encoder.receptive_radius
        for top, bottom in bands:
            outer = slice(max(0, top - reach), min(low_res.shape[1], bottom + reach))
            described = self._model.encoder(low_res[None, :, outer].to(self._device))
            yield Description(*(x[:, :, top - outer.start : bottom - outer.start] for x in described))

    def _refined(self, description: Description, found: Match, item: EncodedReference) -> "_Found":
        """Matches of what is described, moved to a fraction of a position."""
        descriptor, contrast = description.descriptor[0], description.contrast[0, 0]
        key = item.maps[self.key]
        index = (found.y * key.shape[2] + found.x).flatten()
        position, sharpness = [], []
        for chosen in torch.arange(len(index), device=index.device).split(_REFINED_AT_ONCE):
            vectors = descriptor.flatten(1)[None, :, chosen]
            match = refine_match(vectors, key[None], index[None, chosen], self._model.temperature)
            position.append(match.position[0])
            sharpness.append(match.sharpness[0])
        shape = found.similarity.shape
        contrast = contrast / item.maps["contrast"].flatten()[index].view(shape)
        return _Found(torch.cat(position).view(*shape, 2), found.similarity, torch.cat(sharpness).view(shape), contrast)


@dataclass(frozen=True, eq=False)
class _Found:
    """What was found in one reference: places, and what is known of each."""

    position: Float[Tensor, "h w 2"]
    similarity: Float[Tensor, "h w"]
    sharpness: Float[Tensor, "h w"]
    contrast: Float[Tensor, "h w"]

    bytes = 20  # a position

    @classmethod
    def empty(cls, height: int, width: int, device: torch.device) -> "_Found":
        return cls(*(torch.empty(height, width, *axes, device=device) for axes in ((2,), (), (), ())))

    def place(self, top: int, part: "_Found") -> int:
        """Take in the rows from ``top`` on; returns where the next ones begin."""
        bottom = top + len(part.similarity)
        for whole, rows in zip(self._maps, part._maps, strict=True):
            whole[top:bottom] = rows
        return bottom

    def candidates(self, number: int) -> Iterator[tuple[slice, Match]]:
        """Rows, and their candidates of reference ``number``, a band at a time.

        Frames are taken here, where each match has the neighbours that the network learnt with.
        """
        height = len(self.similarity)
        for top, bottom in cuts(height, _FRAMED_AT_ONCE):
            rows, outer = slice(top, bottom), slice(max(0, top - 1), min(height, bottom + 1))
            frames = local_frames(self.position[None, outer])
            agreement, jacobian = (x[:, top - outer.start :][:, : bottom - top] for x in frames[::-1])
            position, similarity, sharpness, contrast = (x[None, rows] for x in self._maps)
            evidence = stack_evidence(similarity, sharpness, agreement, contrast)
            extra = torch.cat([evidence, jacobian.flatten(3).permute(0, 3, 1, 2)], 1)
            reference = torch.full_like(similarity, number, dtype=torch.int16)
            yield rows, Match(reference, position, similarity, extra).candidate(0)

    @property
    def _maps(self) -> tuple[Tensor, ...]:
        return self.position, self.similarity, self.sharpness, self.contrast


def _sample(field: Match, references: list[EncodedReference]) -> Textures:
    """The textures of every candidate in view."""
    count, height, width = field.reference.shape
    evidence, jacobian = field.evidence.split([_EVIDENCE, _JACOBIAN], 1)
    frames = jacobian.flatten(2).transpose(1, 2).unflatten(2, (2, 2))
    bands = evidence.new_empty(count, _CHANNELS, height * width)
    for candidate in range(count):
        source, position = field.reference[candidate].flatten(), field.position[candidate].flatten(0, 1)
        for number in source.unique().tolist():
            chosen = (source == number).nonzero()[:, 0]
            own = TextureBands(*(references[number].maps[name][None] for name in TextureBands._fields))
            sampled = sample_bands(own, position[None, chosen], frames[None, candidate, chosen])
            bands[candidate, :, chosen] = sampled[0]
    return Textures(bands.view(1, count, _CHANNELS, height, width), evidence[None])
