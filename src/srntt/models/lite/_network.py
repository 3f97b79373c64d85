"""The light model: texture transfer in one pass on the LR grid, by matches of sub-position accuracy."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srntt._shapes import Float, Int64
from srntt.errors import InputError
from srntt.features import Description, TextureBands, TextureEncoder, texture_bands
from srntt.image import enlarge
from srntt.transfer import RefinedMatch, local_frames, sample_blocks

_MOST_TRUST = 30.0  # beyond which a sigmoid is 1 in float32 and an exponential still finite
_SIZES = {"channels": (8, 256), "content_blocks": (0, 64), "transfer_blocks": (0, 64), "descriptor": (8, 256)}


@dataclass(frozen=True)
class LiteConfig:
    """Size of a light model.

    Attributes:
        channels: width of the body.
        content_blocks: residual blocks before the textures come in.
        transfer_blocks: residual blocks after.
        descriptor: length of a matching descriptor.
    """

    channels: int = 64
    content_blocks: int = 6
    transfer_blocks: int = 8
    descriptor: int = 64

    def __post_init__(self) -> None:
        for name, (low, high) in _SIZES.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise InputError(f"{name} of a light model is {low}..{high}, not {value}.")


class Textures(NamedTuple):
    """Sampled textures and what is known of their worth, all on the LR grid: k candidates for each position.

    ``bands`` holds, for each candidate, the reference's 4x band (48 channels), 2x band (12) and low band (3), each
    folded space to depth; ``evidence`` the cosine of the match, the sharpness of its peak, the agreement of its
    neighbours, and the log ratio of contrast between input and reference.
    """

    bands: Float[Tensor, "b k 63 h w"]
    evidence: Float[Tensor, "b k 4 h w"]


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


class TextureFusion(nn.Module):
    """Add sampled textures to the content feature, as far as the evidence speaks for them.

    The candidates of a position compete with each other and with nothing at all, in each channel: what is added is
    their mean under a softmax in which nothing has the logit 0. With one candidate that is a sigmoid gate. With no
    reference, or none that fits, the content feature passes unchanged; the order of candidates does not matter.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.texture = nn.Conv2d(63 + 3, channels, 3, padding=1)
        self.merge = nn.Sequential(
            nn.Conv2d(2 * channels + 7, channels, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1),
        )
        self.gate = nn.Sequential(
            nn.Conv2d(7, 32, 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(32, channels, 3, padding=1)
        )

    def forward(
        self, content: Float[Tensor, "b c h w"], low_res: Float[Tensor, "b 3 h w"], textures: Textures
    ) -> tuple[Float[Tensor, "b c h w"], Float[Tensor, "b k h w"]]:
        """Fused feature, and each candidate's share, its mean over channels."""
        total, weight, trusts = torch.zeros_like(content), torch.ones_like(content), []
        for bands, evidence in zip(textures.bands.unbind(1), textures.evidence.unbind(1), strict=True):
            merged, logits = self._weigh(content, low_res, bands, evidence)
            trusts.append(logits.clamp(max=_MOST_TRUST).exp())
            total, weight = total + trusts[-1] * merged, weight + trusts[-1]
        return content + total / weight, torch.stack([(trust / weight).mean(1) for trust in trusts], 1)

    def _weigh(
        self,
        content: Float[Tensor, "b c h w"],
        low_res: Float[Tensor, "b 3 h w"],
        bands: Float[Tensor, "b 63 h w"],
        evidence: Float[Tensor, "b 4 h w"],
    ) -> tuple[Float[Tensor, "b c h w"], Float[Tensor, "b c h w"]]:
        """What one candidate would add, and the logits of letting it."""
        low = bands[:, -3:]
        fitted = torch.cat([bands[:, :-3] * evidence[:, 3:].exp(), low, low_res - low], 1)
        evidence = torch.cat([evidence, low_res - low], 1)
        return self.merge(torch.cat([content, F.relu(self.texture(fitted)), evidence], 1)), self.gate(evidence)


class Lite(nn.Module):
    """LR picture and sampled textures to the picture four times larger.

    Output = bicubic enlargement + a residual, so that an untrained or starved network still returns the picture.
    Matching and sampling stand outside (srntt.match, srntt.transfer): ``encoder`` and ``temperature`` are what they
    need.
    """

    scale = 4

    def __init__(self, config: LiteConfig = LiteConfig()) -> None:
        super().__init__()
        self.config = config
        channels = config.channels
        self.encoder = TextureEncoder(dimensions=config.descriptor)
        self.log_temperature = nn.Parameter(torch.tensor(3.0))
        self.head = nn.Conv2d(3, channels, 3, padding=1)
        self.content = nn.Sequential(*[ResidualBlock(channels) for _ in range(config.content_blocks)])
        self.fusion = TextureFusion(channels)
        self.transfer = nn.Sequential(*[ResidualBlock(channels) for _ in range(config.transfer_blocks)])
        self.tail = nn.Conv2d(channels, 3 * self.scale**2, 3, padding=1)
        with torch.no_grad():
            self.tail.weight.mul_(0.1)

    @property
    def temperature(self) -> Float[Tensor, ""]:
        """Factor on cosines before a softmax over them."""
        return self.log_temperature.exp()

    def forward(
        self, low_res: Float[Tensor, "b 3 h w"], textures: Textures | None = None
    ) -> Float[Tensor, "b 3 h4 w4"]:
        """Upscale; without textures this is single-image super-resolution.

        Args:
            low_res: pictures in [0, 1].
            textures: what was sampled from the references, on the same grid.
        """
        return self.with_gate(low_res, textures)[0]

    def with_gate(
        self, low_res: Float[Tensor, "b 3 h w"], textures: Textures | None
    ) -> tuple[Float[Tensor, "b 3 h4 w4"], Float[Tensor, "b k h w"]]:
        """Upscale, and say how far each candidate was let in at each position (0 not at all .. 1 fully; k = 0 without
        textures).
        """
        head = self.head(low_res - 0.5)
        content, gate = self.content(head), low_res[:, :0]
        if textures is not None:
            content, gate = self.fusion(content, low_res, textures)
        residual = self.tail(self.transfer(content) + head)
        return enlarge(low_res, self.scale) + F.pixel_shuffle(residual.float(), self.scale), gate


def sample_textures(
    reference: Float[Tensor, "b 3 H W"],
    query: Description,
    key: Description,
    similarity: Float[Tensor, "b n"],
    index: Int64[Tensor, "b n"],
    match: RefinedMatch,
) -> Textures:
    """Sample one reference a sample, at every LR position; k is 1."""
    batch, _, height, width = query.descriptor.shape
    frames = local_frames(match.position.reshape(batch, height, width, 2).detach())
    jacobian = frames.jacobian.flatten(1, 2)
    bands = texture_bands(reference)
    blocks = sample_bands(bands, match.position, jacobian)
    contrast = query.contrast.flatten(1) / key.contrast.flatten(1).gather(1, index)
    evidence = stack_evidence(similarity, match.sharpness, frames.agreement.flatten(1), contrast)
    return Textures(*(x.unflatten(2, (height, width))[:, None] for x in (blocks, evidence)))


def sample_bands(
    bands: TextureBands, position: Float[Tensor, "b n 2"], jacobian: Float[Tensor, "b n 2 2"]
) -> Float[Tensor, "b 63 n"]:
    """The channels of ``Textures.bands``, in their order, from the bands of a reference."""
    ratios = ((bands.high, 4), (bands.middle, 2), (bands.low, 1))
    return torch.cat([sample_blocks(band, position, jacobian, ratio) for band, ratio in ratios], 1)


def stack_evidence(
    similarity: Float[Tensor, "b *n"],
    sharpness: Float[Tensor, "b *n"],
    agreement: Float[Tensor, "b *n"],
    contrast: Float[Tensor, "b *n"],
) -> Float[Tensor, "b 4 *n"]:
    """The channels of ``Textures.evidence``, in their order; ``contrast`` is the input's over the reference's."""
    return torch.stack([similarity, sharpness, agreement, contrast.log().clamp(-1, 1)], 1)
