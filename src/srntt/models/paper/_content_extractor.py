"""The paper's content extractor: what the LR picture alone tells, and the single-image network that trained it."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from srntt._shapes import Float
from srntt.models.paper._blocks import CHANNELS, ResidualBody, SubPixelUpscale, conv3


@dataclass(frozen=True)
class ContentExtractorConfig:
    """Nothing to choose: the paper has one content extractor."""


class ContentExtractor(nn.Module):
    """LR picture to content feature (section 3.3), with an upscale head of its own.

    The head makes a plain single-image network of it, which is how it is trained, and what is used without a reference.
    Parameters: 1,518,147, of which the head has 295,619. New ones are in evaluation mode.

    Attributes:
        scale: of the head.
        halo: LR pixels on each side that a position of the content feature depends on.
        upscale_halo: LR pixels on each side that a pixel of the head's output depends on, in the content feature.

    Example:
        >>> extractor = ContentExtractor()
        >>> feature = extractor(torch.rand(1, 3, 10, 12))
        >>> tuple(feature.shape), tuple(extractor.upscale(feature).shape)
        ((1, 64, 10, 12), (1, 3, 40, 48))
    """

    scale = 4
    halo = 1 + 2 * 16 + 1
    upscale_halo = 2

    def __init__(self, config: ContentExtractorConfig = ContentExtractorConfig()) -> None:
        super().__init__()
        self.config = config
        self.head = conv3(3, CHANNELS)
        self.body = ResidualBody(16)
        self.up1 = SubPixelUpscale(CHANNELS, CHANNELS)
        self.up2 = SubPixelUpscale(CHANNELS, CHANNELS)
        self.to_rgb = nn.Conv2d(CHANNELS, 3, 1)
        self.eval()

    def forward(self, low_res: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 64 h w"]:
        """Content feature of an LR picture, RGB in [0,1]."""
        # PAPER: the released code leaves scaling to [-1, 1] to its caller.
        head = self.head(low_res * 2 - 1).relu()
        return self.body(head) + head

    def upscale(self, content_feature: Float[Tensor, "b 64 h w"]) -> Float[Tensor, "b 3 4*h 4*w"]:
        """The picture four times larger that the content alone gives, RGB in [0,1]."""
        return (self.raw_upscale(content_feature).tanh() + 1) / 2

    def raw_upscale(self, content_feature: Float[Tensor, "b 64 h w"]) -> Float[Tensor, "b 3 4*h 4*w"]:
        """As `upscale`, before tanh."""
        return self.to_rgb(self.up2(self.up1(content_feature)))

    @torch.inference_mode()
    def single_image(self, low_res: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 4*h 4*w"]:
        """LR picture to the one four times larger, without a reference; RGB in [0,1] both."""
        return self.upscale(self(low_res))
