"""How sampled textures come into the content feature, as far as the evidence speaks for them."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srntt._shapes import Float

EVIDENCE = 4  # channels of Textures.evidence
JACOBIAN = 4  # channels of a match's local frame, behind those of the evidence
LOW = 3  # channels of the lowest band, the last of Textures.bands
ABSENT = -1.0  # similarity of a candidate that is none
MOST_TRUST = 30.0  # beyond which a sigmoid is 1 in float32 and an exponential still finite


class Textures(NamedTuple):
    """Sampled textures and what is known of their worth, all on the LR grid: k candidates for each position.

    ``bands`` holds, for each candidate, the bands of the reference from the finest to the lowest (of a model of factor
    4: 48, 12 and 3 channels), each folded space to depth; ``evidence`` the cosine of the match, the sharpness of its
    peak, the agreement of its neighbours, and the log ratio of contrast between input and reference.
    """

    bands: Float[Tensor, "b k c h w"]
    evidence: Float[Tensor, "b k 4 h w"]


class TextureFusion(nn.Module):
    """Add sampled textures, of ``bands`` channels each, to the content feature, as far as the evidence speaks for them.

    The candidates of a position compete with each other and with nothing at all, in each channel: the added texture is
    their mean under a softmax in which nothing has the logit 0. With one candidate that is a sigmoid gate. With no
    reference, or none that fits, the content feature passes unchanged; the order of candidates does not matter.
    """

    def __init__(self, channels: int, bands: int) -> None:
        super().__init__()
        known = EVIDENCE + LOW
        self.texture = nn.Conv2d(bands + LOW, channels, 3, padding=1)
        self.merge = nn.Sequential(
            nn.Conv2d(2 * channels + known, channels, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1),
        )
        self.gate = nn.Sequential(
            nn.Conv2d(known, 32, 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(32, channels, 3, padding=1)
        )

    def forward(
        self,
        content: Float[Tensor, "b c h w"],
        low_res: Float[Tensor, "b 3 h w"],
        textures: Textures,
        strength: Float[Tensor, "b 1 h w"] | None = None,
    ) -> tuple[Float[Tensor, "b c h w"], Float[Tensor, "b k h w"]]:
        """Fused feature, and each candidate's share, its mean over channels.

        ``strength``: how far textures are used at each position, 0 .. 1; None: as far as the evidence speaks for them.
        """
        total, weight, trusts = torch.zeros_like(content), torch.ones_like(content), []
        for bands, evidence in zip(textures.bands.unbind(1), textures.evidence.unbind(1), strict=True):
            merged, logits = self._weigh(content, low_res, bands, evidence)
            trusts.append(logits.clamp(max=MOST_TRUST).exp() * (evidence[:, :1] > ABSENT))
            total, weight = total + trusts[-1] * merged, weight + trusts[-1]
        added, share = total / weight, torch.stack([(trust / weight).mean(1) for trust in trusts], 1)
        if strength is not None:
            added, share = added * strength, share * strength
        return content + added, share

    def _weigh(
        self,
        content: Float[Tensor, "b c h w"],
        low_res: Float[Tensor, "b 3 h w"],
        bands: Float[Tensor, "b _ h w"],
        evidence: Float[Tensor, "b 4 h w"],
    ) -> tuple[Float[Tensor, "b c h w"], Float[Tensor, "b c h w"]]:
        """What one candidate would add, and the logits of letting it."""
        low = bands[:, -LOW:]
        fitted = torch.cat([bands[:, :-LOW] * evidence[:, -1:].exp(), low, low_res - low], 1)
        evidence = torch.cat([evidence, low_res - low], 1)
        return self.merge(torch.cat([content, F.relu(self.texture(fitted)), evidence], 1)), self.gate(evidence)
