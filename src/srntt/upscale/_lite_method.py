"""How the engine drives the light model."""

import torch
from torch import Tensor

from srntt._shapes import Float
from srntt.features import Description, TextureBands, texture_bands
from srntt.match import dense_match
from srntt.network import Lite, Textures, sample_bands, stack_evidence
from srntt.transfer import local_frames, refine_match
from srntt.upscale._method import Appetite, Field, Progress, Rendered, View
from srntt.upscale._references import EncodedReference
from srntt.upscale._tiles import cuts

_CHANNELS = 63  # of Textures.bands
_REFINED_AT_ONCE = 16_384  # positions; each gathers nine descriptors


class LiteMethod:
    """Descriptors and texture bands of references; matches refined to a fraction; tiles with a gate that is
    reported.
    """

    scale = 4
    halo = 24  # the network sees further, but what lies there moves no output by half a level (tests/upscale)
    context = 64
    appetite = Appetite(encode=100, encoded=32, match=1000, matched=60, render=3800, fixed=220_000_000)

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
        """Match band after band of rows; exact, so that bands do not show."""
        height = low_res.shape[1]
        reach = self._model.encoder.receptive_radius
        parts = []
        for top, bottom in cuts(height, band):
            outer = slice(max(0, top - reach), min(height, bottom + reach))
            described = self._model.encoder(low_res[None, :, outer].to(self._device))
            inner = slice(top - outer.start, bottom - outer.start)
            parts.append(self._match_band(Description(*(x[:, :, inner] for x in described)), references))
            progress("match", bottom, height)
        reference, position, similarity, extra = zip(*parts, strict=True)
        return Field(torch.cat(reference), torch.cat(position), torch.cat(similarity), torch.cat(extra, 1))

    def render(
        self, low_res: Float[Tensor, "3 h w"], field: Field | None, view: View, references: list[EncodedReference]
    ) -> Rendered:
        """One tile."""
        seen = low_res[None, :, *view].to(self._device)
        if field is None:
            return Rendered(self._model(seen)[0], None)
        image, gate = self._model.with_gate(seen, _sample(field.crop(view), references))
        return Rendered(image[0], gate[0, 0])

    def _match_band(self, query: Description, references: list[EncodedReference]) -> tuple[Tensor, ...]:
        keys = [item.maps["descriptor"] for item in references]
        found = dense_match(query.descriptor[0], keys, patch=1)
        position = torch.stack([found.y, found.x], -1).float()
        sharpness, contrast = torch.empty_like(found.similarity), query.contrast[0, 0].clone()
        vectors = query.descriptor[0].flatten(1)
        for number, item in enumerate(references):
            for chosen in (found.reference == number).flatten().nonzero()[:, 0].split(_REFINED_AT_ONCE):
                index = (found.y * item.maps["descriptor"].shape[2] + found.x).flatten()[chosen]
                key = item.maps["descriptor"][None]
                match = refine_match(vectors[None, :, chosen], key, index[None], self._model.temperature)
                position.view(-1, 2)[chosen] = match.position[0]
                sharpness.view(-1)[chosen] = match.sharpness[0]
                contrast.view(-1)[chosen] /= item.maps["contrast"].flatten()[index]
        return found.reference, position, found.similarity, torch.stack([sharpness, contrast])


def _sample(field: Field, references: list[EncodedReference]) -> Textures:
    frames = local_frames(field.position[None], field.reference[None])
    height, width = field.reference.shape
    position, jacobian = field.position.flatten(0, 1), frames.jacobian[0].flatten(0, 1)
    bands = position.new_empty(_CHANNELS, height * width)
    for number, item in enumerate(references):
        chosen = (field.reference == number).flatten().nonzero()[:, 0]
        if len(chosen):
            own = TextureBands(*(item.maps[name][None] for name in TextureBands._fields))
            bands[:, chosen] = sample_bands(own, position[None, chosen], jacobian[None, chosen])[0]
    sharpness, contrast = field.extra
    evidence = stack_evidence(field.similarity[None], sharpness[None], frames.agreement, contrast[None])
    return Textures(bands.view(1, -1, height, width), evidence)
