"""The light model: texture transfer in one pass on the LR grid, by matches of sub-position accuracy."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srntt._shapes import Bool, Float
from srntt.errors import InputError
from srntt.features import Description, TextureEncoder, texture_bands
from srntt.image import enlarge
from srntt.match import Match, keep_best, local_match
from srntt.models._drive import Fused
from srntt.models.lite._agreement import agreement
from srntt.models.lite._config import LiteConfig
from srntt.models.lite._fusion import ABSENT, EVIDENCE, JACOBIAN, TextureFusion, Textures
from srntt.transfer import local_frames, refine_match, sample_blocks

Maps = Mapping[str, Float[Tensor, "b _ _ _"]]
"""Of a reference, by name: ``descriptor`` and ``contrast`` on the LR grid, and a ``band`` for each of the config's
ratios on a finer one (``band4``, ``band2`` and ``band1`` at the scale 4).
"""


class Shown(NamedTuple):
    """Where in a view of a reference matches may lie.

    Attributes:
        valid: positions of its LR grid that may be used; None: all.
        reach: positions around its own within which the match of a position lies, for a view in the frame of the
            picture; None: anywhere.
    """

    valid: Bool[Tensor, "b h w"] | None = None
    reach: int | None = None


class ResidualBlock(nn.Module):
    """Convolution, ReLU, convolution, skip; no normalisation (as in EDSR)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        with torch.no_grad():
            self.second.weight.mul_(0.1)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        return x + self.second(F.relu(self.first(x)))


class Lite(nn.Module):
    """LR picture and references to a larger picture. Differentiable, but for the choice of the matches.

    The output is an enlargement plus a residual, so that an untrained or starved network still returns the picture.

    Example:
        >>> model = Lite(LiteConfig(channels=8, content_blocks=1, transfer_blocks=1, descriptor=8))
        >>> low_res, references = torch.rand(1, 3, 6, 5), [torch.rand(1, 3, 32, 40), torch.rand(1, 3, 17, 20)]
        >>> tuple(model(low_res).shape), tuple(model(low_res, references).shape)
        ((1, 3, 24, 20), (1, 3, 24, 20))
    """

    def __init__(self, config: LiteConfig = LiteConfig()) -> None:  # noqa: B008 (frozen)
        super().__init__()
        self.config, self.scale = config, config.scale
        channels = config.channels
        self.encoder = TextureEncoder(dimensions=config.descriptor, scale=config.scale)
        self.log_temperature = nn.Parameter(torch.tensor(3.0))
        self.head = nn.Conv2d(3, channels, 3, padding=1)
        if config.base:
            self.base = nn.Conv2d(3 * config.scale**2, channels, 3, padding=1, bias=False)
            nn.init.zeros_(self.base.weight)
        self.content = nn.Sequential(*[ResidualBlock(channels) for _ in range(config.content_blocks)])
        self.fusion = TextureFusion(channels, config.band_channels)
        self.transfer = nn.Sequential(*[ResidualBlock(channels) for _ in range(config.transfer_blocks)])
        self.tail = nn.Conv2d(channels, 3 * config.scale**2, 3, padding=1)
        with torch.no_grad():
            self.tail.weight.mul_(0.1)

    @property
    def temperature(self) -> Float[Tensor, ""]:
        """Factor on cosines before a softmax over them."""
        return self.log_temperature.exp()

    def forward(
        self,
        low_res: Float[Tensor, "b 3 h w"],
        references: Sequence[Float[Tensor, "b 3 _ _"]] = (),
        base: Float[Tensor, "b 3 H W"] | None = None,
        shown: Sequence[Shown] | None = None,
    ) -> Float[Tensor, "b 3 H W"]:
        """Upscale: all steps in order, with one product for all matches.

        Args:
            low_res: pictures in [0, 1].
            references: sharp pictures in [0, 1] for each of them, of any sizes from one LR pixel; none for single-image
                super-resolution.
            base: the pictures enlarged by another upscaler, in [0, 1]; None for bicubic.
            shown: where in each reference matches may lie; None: anywhere in all of them.
        """
        if not references:
            return self.fuse(low_res, None, base).picture
        query, maps = self.describe(low_res), [self.encode(reference) for reference in references]
        return self.fuse(low_res, self.sample(self.match(query, maps, shown), maps), base).picture

    def describe(self, low_res: Float[Tensor, "b 3 h w"]) -> Description:
        """What is looked for."""
        return self.encoder(low_res)

    def encode(self, reference: Float[Tensor, "b 3 H W"]) -> dict[str, Float[Tensor, "b _ _ _"]]:
        """What is looked in, and what is brought from there, of a reference in [0, 1].

        What does not fill a whole LR pixel at the right and bottom is left out.
        """
        height, width = (extent // self.scale * self.scale for extent in reference.shape[2:])
        whole = reference[:, :, :height, :width]
        bands = zip(self.config.ratios, texture_bands(whole, self.config.ratios), strict=True)
        return self.encoder.describe_reference(whole)._asdict() | {f"band{ratio}": band for ratio, band in bands}

    def match(self, query: Description, maps: Sequence[Maps], shown: Sequence[Shown] | None = None) -> Match:
        """The best match in each reference, and of these the most similar for each position: (b, k) candidates, as many
        of the references that are searched anywhere as of those in the frame of the picture.
        """
        shown = [Shown()] * len(maps) if shown is None else shown
        each = [self.match_shown(query, *one) for one in zip(maps, shown, strict=True)]
        kept = []
        for nearby in (False, True):
            numbers = [number for number, one in enumerate(shown) if (one.reach is not None) == nearby]
            if numbers:
                kept.append(keep_best([each[number] for number in numbers], self.config.candidates, numbers))
        return Match.joined(kept)

    def match_shown(self, query: Description, maps: Maps, shown: Shown) -> Match:
        """The best match of each position in one reference or view, with its frame."""
        if shown.valid is not None:  # what is not valid matches nothing
            maps = {**maps, "descriptor": maps["descriptor"] * shown.valid[:, None]}
        if shown.reach is None:
            refined = self.refine(query, maps, self.search(query, maps))
        else:
            refined = self.match_nearby(query, maps, shown.reach)
        framed = self.with_frames(refined)
        return framed if shown.valid is None else self.masked(framed, shown.valid)

    def search(self, query: Description, maps: Maps) -> Match:
        """The exact argmax in one reference, by one product; the similarity carries gradient, the choice does not."""
        vectors, keys = query.descriptor.flatten(2), maps["descriptor"].flatten(2)
        with torch.no_grad():
            index = torch.stack([(q.T @ k).max(1).indices for q, k in zip(vectors, keys, strict=True)])
        chosen = keys.gather(2, index[:, None].expand(-1, keys.shape[1], -1))
        size, width = query.descriptor.shape[2:], maps["descriptor"].shape[3]
        index, similarity = (x.unflatten(1, size) for x in (index, (vectors * chosen).sum(1)))
        return Match.at(torch.zeros_like(index), index // width, index % width, similarity)

    def match_nearby(self, query: Description, maps: Maps, reach: int, top: int = 0) -> Match:
        """The most similar position around each one's own place, in a view in the frame of the picture.

        Args:
            query: some rows of the picture.
            maps: of the view.
            reach: positions to each side; where it is 0, places are not refined either.
            top: the first of these rows.
        """
        pictures = zip(query.descriptor, maps["descriptor"], strict=True)
        found = Match.stacked([local_match(one, key, top=top, reach=reach) for one, key in pictures])
        refined = self.refine(query, maps, found)
        return refined if reach else replace(refined, position=found.position)

    def refine(self, query: Description, maps: Maps, found: Match) -> Match:
        """Matches moved to a fraction of a position; evidence: the sharpness of the peak, and the ratio of contrast."""
        key, contrast = maps["descriptor"], maps["contrast"].flatten(1)
        index = (found.y * key.shape[3] + found.x).flatten(1)
        position, sharpness = refine_match(query.descriptor.flatten(2), key, index, self.temperature)
        evidence = torch.stack([sharpness, query.contrast.flatten(1) / contrast.gather(1, index)], 1)
        size = found.similarity.shape[-2:]
        return replace(found, position=position.unflatten(1, size), evidence=evidence.unflatten(2, size))

    def with_frames(self, refined: Match) -> Match:
        """Matches in one reference with the evidence that the network takes, and behind it each one's local frame."""
        frames = local_frames(refined.position.detach())
        sharpness, contrast = refined.evidence.unbind(-3)
        known = [refined.similarity, sharpness, frames.agreement, contrast.log().clamp(-1, 1)]
        evidence = torch.cat([torch.stack(known, -3), frames.jacobian.flatten(-2).movedim(-1, -3)], -3)
        return replace(refined, evidence=evidence)

    def masked(self, framed: Match, valid: Bool[Tensor, "*b H W"]) -> Match:
        """Matches in a view, with frames; those to a place of it that is not valid get no weight in the fusion."""
        y, x = (
            at.round().long().clamp(0, size - 1)
            for at, size in zip(framed.position.unbind(-1), valid.shape[-2:], strict=True)
        )
        index = (y * valid.shape[-1] + x).flatten(-2)
        valid = valid.flatten(-2).gather(-1, index).unflatten(-1, y.shape[-2:])
        nothing = framed.evidence.new_tensor([ABSENT, 1 / 9, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0])[:, None, None]
        similarity = torch.where(valid, framed.similarity, ABSENT)
        return replace(
            framed, similarity=similarity, evidence=torch.where(valid.unsqueeze(-3), framed.evidence, nothing)
        )

    def sample(self, match: Match, maps: Sequence[Maps]) -> Textures:
        """The textures of every candidate, turned and scaled by its frame."""
        batch, count, height, width = match.similarity.shape
        evidence, jacobian = match.evidence.split([EVIDENCE, JACOBIAN], -3)
        frames = jacobian.flatten(-2).transpose(-1, -2).unflatten(-1, (2, 2))
        bands = evidence.new_empty(batch, count, self.config.band_channels, height * width)
        for place in range(count):
            source, frame = match.reference[:, place].flatten(1), frames[:, place]
            position = match.position[:, place].flatten(1, 2)
            for number in source.unique().tolist():
                own = source == number
                if own.all():
                    bands[:, place] = self._sampled(maps[number], position, frame)
                    continue
                for one in own.any(1).nonzero()[:, 0].tolist():
                    part, chosen = slice(one, one + 1), own[one].nonzero()[:, 0]
                    view = {name: whole[part] for name, whole in maps[number].items()}
                    bands[one, place][:, chosen] = self._sampled(view, position[part, chosen], frame[part, chosen])[0]
        shown = match.similarity > ABSENT
        bands = bands.unflatten(3, (height, width))
        return Textures(bands if bool(shown.all()) else bands * shown.unsqueeze(2), evidence)

    def fuse(
        self,
        low_res: Float[Tensor, "b 3 h w"],
        textures: Textures | None,
        base: Float[Tensor, "b 3 H W"] | None = None,
        strength: Float[Tensor, "b 1 h w"] | None = None,
    ) -> Fused:
        """The picture, with what the textures bring, if any.

        Args:
            low_res: pictures in [0, 1].
            textures: sampled for them; None without references.
            base: the pictures enlarged by another upscaler; None for bicubic.
            strength: how far textures are used at each position: 0, as if there were none, to 1, as None.

        Except in training, textures are used only as far as the result agrees with the picture without them: see
        `agreement`.

        Raises:
            InputError: a base, for a model that takes none.
        """
        enlarged = enlarge(low_res, self.scale)
        head, share = self.head(low_res - 0.5), low_res[:, :0]
        if base is not None:
            if not self.config.base:
                raise InputError("This model takes no base; give one whose config has base = true, or no base.")
            head = head + self.base(F.pixel_unshuffle(base - enlarged, self.scale))
        content, under = self.content(head), enlarged if base is None else base
        if textures is None:
            return Fused(self._picture(content, head, under), share)
        fused, share = self.fusion(content, low_res, textures, strength)
        picture = self._picture(fused, head, under)
        if self.training or not self.config.agreement:
            return Fused(picture, share)
        alone = self._picture(content, head, under)
        trust = agreement(alone - enlarged, picture - alone, self.config)
        wide = F.interpolate(trust, scale_factor=self.scale, mode="bilinear")
        return Fused(torch.lerp(alone, picture, wide), share * trust)

    def _picture(
        self, content: Float[Tensor, "b c h w"], head: Float[Tensor, "b c h w"], under: Float[Tensor, "b 3 H W"]
    ) -> Float[Tensor, "b 3 H W"]:
        residual = self.tail(self.transfer(content) + head)
        return under + F.pixel_shuffle(residual.float(), self.scale)

    def _sampled(
        self, maps: Maps, position: Float[Tensor, "b n 2"], jacobian: Float[Tensor, "b n 2 2"]
    ) -> Float[Tensor, "b c n"]:
        """The channels of ``Textures.bands``, in their order, from the bands of one reference."""
        ratios = self.config.ratios
        return torch.cat([sample_blocks(maps[f"band{ratio}"], position, jacobian, ratio) for ratio in ratios], 1)
