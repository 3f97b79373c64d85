"""How the engine drives the light model."""

import torch
from torch import Tensor

from srntt._shapes import Float
from srntt.features import TextureBands, texture_bands
from srntt.match import dense_match
from srntt.network import Lite, Textures, sample_bands, stack_evidence
from srntt.transfer import local_frames, refine_match
from srntt.upscale._method import Appetite, Field, Progress, Rendered, View
from srntt.upscale._references import EncodedReference
from srntt.upscale._tiles import cuts

_CHANNELS = 63  # of Textures.bands
_CANDIDATES = 3  # as many as training shows at most
_REFINED_AT_ONCE = 16_384  # positions; each gathers nine descriptors


class LiteMethod:
    """Descriptors and texture bands of references; the best match in each, refined to a fraction; tiles in which the
    most similar ones compete.
    """

    scale = 4
    halo = 24  # the network sees further, but what lies there moves no output by half a level (tests/upscale)
    context = 64
    appetite = Appetite(encode=100, encoded=32, match=1200, matched=300, render=6200, fixed=220_000_000)

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
        self, low_res: Float[Tensor, "3 h w"], references: list[EncodedReference], band: int, progress: Progress
    ) -> Field:
        """Match every reference on its own, and keep the best few for each position."""
        done, height = 0, low_res.shape[1]
        best: Field | None = None
        for number, item in enumerate(references):
            parts = []
            for part in cuts(height, band):
                parts.append(self._match_rows(low_res, part, item))
                done += part[1] - part[0]
                progress("match", done, height * len(references))
            found = _field(number, *(torch.cat(column) for column in zip(*parts, strict=True)))
            best = best.best_with(found, _CANDIDATES) if best else found
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

    def _match_rows(
        self, low_res: Float[Tensor, "3 h w"], rows: tuple[int, int], item: EncodedReference
    ) -> tuple[Tensor, ...]:
        """Position, similarity, sharpness and contrast of the matches of some rows, as if of the whole picture."""
        reach = self._model.encoder.receptive_radius
        outer = slice(max(0, rows[0] - reach), min(low_res.shape[1], rows[1] + reach))
        described = self._model.encoder(low_res[None, :, outer].to(self._device))
        descriptor, contrast = (x[0, :, rows[0] - outer.start : rows[1] - outer.start] for x in described)
        key = item.maps["descriptor"]
        found = dense_match(descriptor, [key], patch=1)
        index = (found.y * key.shape[2] + found.x).flatten()
        position, sharpness = [], []
        for chosen in torch.arange(len(index), device=index.device).split(_REFINED_AT_ONCE):
            vectors = descriptor.flatten(1)[None, :, chosen]
            match = refine_match(vectors, key[None], index[None, chosen], self._model.temperature)
            position.append(match.position[0])
            sharpness.append(match.sharpness[0])
        shape = found.similarity.shape
        contrast = contrast[0] / item.maps["contrast"].flatten()[index].view(shape)
        return torch.cat(position).view(*shape, 2), found.similarity, torch.cat(sharpness).view(shape), contrast


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
