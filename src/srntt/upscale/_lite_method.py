"""How the engine drives the light model."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

import torch
from torch import Tensor

from srntt._shapes import Float
from srntt.features import Description, TextureBands, texture_bands
from srntt.match import Matcher, dense_match, fast_match
from srntt.network import Lite, Textures, sample_bands, stack_evidence
from srntt.transfer import local_frames, refine_match
from srntt.upscale._method import Appetite, Field, Progress, Rendered, View
from srntt.upscale._references import EncodedReference
from srntt.upscale._tiles import cuts

_CHANNELS = 63  # of Textures.bands
_CANDIDATES = 3  # for each position, as many as training shows
_REFINED_AT_ONCE = 16_384  # positions; each gathers nine descriptors


class LiteMethod:
    """Descriptors and texture bands of references; the best match in each, refined to a fraction; tiles in which the
    most similar ones compete.
    """

    scale = 4
    halo = 24  # the network sees further, but what lies there moves no output by half a level (tests/upscale)
    context = 64
    patch = 1
    key = "descriptor"
    appetite = Appetite(encode=100, encoded=32, match=1200, fast=330, matched=400, render=6900, fixed=220_000_000)

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
    ) -> Field:
        """Match every reference on its own, and keep the best few for each position."""
        done, total = 0, low_res.shape[1] * len(references)
        pieces = self._pieces(low_res, band, matcher)
        best: Field | None = None
        for number, item in enumerate(references):
            parts = []
            for description in pieces():
                parts.append(self._find(description, item, matcher))
                done += description.descriptor.shape[2]
                progress("match", done, total)
            found = _field(number, *(torch.cat(column) for column in zip(*parts, strict=True)))
            best = best.joined_with(found, _CANDIDATES) if best else found
        assert best is not None, "the engine matches only where there are references"
        return best

    def render(
        self, low_res: Float[Tensor, "3 h w"], field: Field | None, view: View, references: list[EncodedReference]
    ) -> Rendered:
        """One tile."""
        seen = low_res[None, :, *view].to(self._device)
        if field is None:
            return Rendered(self._model(seen)[0], None)
        image, share = self._model.with_gate(seen, _sample(field.crop(view), references))
        return Rendered(image[0], share[0])

    def _pieces(
        self, low_res: Float[Tensor, "3 h w"], band: int, matcher: Matcher
    ) -> Callable[[], Iterable[Description]]:
        """What is matched at once, anew for each reference: bands, so that little is held; or the whole, kept."""
        if matcher == "exact":
            return partial(self._described, low_res, band)
        whole = _joined(self._described(low_res, band), low_res)
        return lambda: (whole,)

    def _described(self, low_res: Float[Tensor, "3 h w"], band: int) -> Iterator[Description]:
        """Bands of rows, each described as if it were seen with the whole picture."""
        reach = self._model.encoder.receptive_radius
        for top, bottom in cuts(low_res.shape[1], band):
            outer = slice(max(0, top - reach), min(low_res.shape[1], bottom + reach))
            described = self._model.encoder(low_res[None, :, outer].to(self._device))
            yield Description(*(x[:, :, top - outer.start : bottom - outer.start] for x in described))

    def _find(self, description: Description, item: EncodedReference, matcher: Matcher) -> tuple[Tensor, ...]:
        """Position, similarity, sharpness and contrast of the matches of what is described."""
        descriptor, contrast = description.descriptor[0], description.contrast[0, 0]
        key = item.maps[self.key]
        found = (fast_match if matcher == "fast" else dense_match)(descriptor, [key], patch=self.patch)
        index = (found.y * key.shape[2] + found.x).flatten()
        position, sharpness = [], []
        for chosen in torch.arange(len(index), device=index.device).split(_REFINED_AT_ONCE):
            vectors = descriptor.flatten(1)[None, :, chosen]
            match = refine_match(vectors, key[None], index[None, chosen], self._model.temperature)
            position.append(match.position[0])
            sharpness.append(match.sharpness[0])
        shape = found.similarity.shape
        contrast = contrast / item.maps["contrast"].flatten()[index].view(shape)
        return torch.cat(position).view(*shape, 2), found.similarity, torch.cat(sharpness).view(shape), contrast


def _joined(parts: Iterable[Description], low_res: Float[Tensor, "3 h w"]) -> Description:
    """Bands as one, without a second copy of them all."""
    whole: Description | None = None
    top = 0
    for part in parts:
        if whole is None:
            whole = Description(*(x.new_empty(1, x.shape[1], *low_res.shape[1:]) for x in part))
        bottom = top + part.descriptor.shape[2]
        for target, rows in zip(whole, part, strict=True):
            target[:, :, top:bottom] = rows
        top = bottom
    assert whole is not None, "a picture has rows"
    return whole


def _field(
    number: int,
    position: Float[Tensor, "h w 2"],
    similarity: Float[Tensor, "h w"],
    sharpness: Float[Tensor, "h w"],
    contrast: Float[Tensor, "h w"],
) -> Field:
    """Of one reference. Frames are taken here, where each match has the neighbours that the network learnt with."""
    frames = local_frames(position[None])
    evidence = stack_evidence(similarity[None], sharpness[None], frames.agreement, contrast[None])
    extra = torch.cat([evidence, frames.jacobian.flatten(3).permute(0, 3, 1, 2)], 1)
    reference = torch.full_like(similarity, number, dtype=torch.int64)
    return Field(reference[None], position[None], similarity[None], extra)


def _sample(field: Field, references: list[EncodedReference]) -> Textures:
    """The textures of every candidate in view."""
    count, height, width = field.reference.shape
    evidence, jacobian = field.extra.split([4, 4], 1)
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
