"""SRNTT as the paper has it: content extractor and texture transfer together."""

from dataclasses import dataclass
from typing import get_args

from torch import Tensor, nn

from srntt._shapes import Float
from srntt.errors import InputError
from srntt.features import Family
from srntt.models.paper._content_extractor import ContentExtractor
from srntt.models.paper._texture_transfer import Scale, TextureTransfer
from srntt.transfer import SwappedMaps


@dataclass(frozen=True)
class PaperConfig:
    """What there is to choose.

    Attributes:
        scale: of the output: 4, 8 or 16.
        gated: the maps are gated by the similarity.
        phi: the VGG19 weights whose maps the transfer was trained on; official weights: caffe.
    """

    scale: Scale = 4
    gated: bool = False
    phi: Family = "caffe"

    def __post_init__(self) -> None:
        if self.scale not in get_args(Scale):
            raise InputError(f"scale is {self.scale!r}; allowed are 4, 8 and 16.")
        if self.phi not in get_args(Family):
            raise InputError(f"phi is {self.phi!r}; allowed are {', '.join(get_args(Family))}.")


class PaperSRNTT(nn.Module):
    """Content extractor, frozen, and texture transfer.

    New ones are in evaluation mode. `train()` reaches the transfer alone: the extractor is trained beforehand, by
    itself, and stays as it is.

    Attributes:
        halo: LR pixels on each side that an output pixel depends on.

    Example:
        >>> import torch
        >>> model = PaperSRNTT(PaperConfig(scale=4))
        >>> low_res = torch.rand(1, 3, 5, 6)
        >>> maps = SwappedMaps(torch.rand(1, 256, 5, 6), torch.rand(1, 128, 10, 12), torch.rand(1, 64, 20, 24))
        >>> tuple(model(low_res, maps).shape)
        (1, 3, 20, 24)
    """

    halo = ContentExtractor.halo + TextureTransfer.halo

    def __init__(self, config: PaperConfig = PaperConfig()) -> None:
        super().__init__()
        self.config = config
        self.extractor = ContentExtractor().requires_grad_(False)
        self.transfer = TextureTransfer(config.scale, config.gated)
        self.eval()

    @property
    def scale(self) -> int:
        """Output pixels per LR pixel, each way."""
        return self.config.scale

    def train(self, mode: bool = True) -> "PaperSRNTT":
        """Set the mode of the transfer; the extractor stays in evaluation mode."""
        super().train(mode)
        # PAPER: the released code ran the frozen extractor's batch normalisation in training mode.
        self.extractor.eval()
        return self

    def begin_transfer(self) -> None:
        """Let the transfer begin as the extractor's own head, to which the maps add nothing yet.

        Raises:
            InputError: the scale is not 4.
        """
        # PAPER: the transfer begins from random weights; thousands of steps go by before it is as good as no reference.
        if self.scale != self.extractor.scale:
            raise InputError(f"The extractor's head upscales 4x: a transfer of scale {self.scale} cannot begin as it.")
        self.transfer.begin_as(self.extractor.up1, self.extractor.up2, self.extractor.to_rgb)

    def forward(
        self,
        low_res: Float[Tensor, "b 3 h w"],
        maps: SwappedMaps | None = None,
        weights: Float[Tensor, "b 1 h w"] | None = None,
    ) -> Float[Tensor, "b 3 H W"]:
        """The HR picture, RGB in [0,1].

        Args:
            low_res: RGB in [0,1].
            maps: swapped maps of the LR picture's size; None: no reference, the extractor's own head answers (4x only).
            weights: similarity map for a gated transfer.

        Raises:
            InputError: maps or weights that do not fit; no maps, where the scale is not 4.
        """
        content_feature = self.extractor(low_res)
        if maps is not None:
            return self.transfer(content_feature, maps, weights)
        # PAPER: the released code lets the LR picture be its own reference; here the extractor's own head answers.
        if self.scale != self.extractor.scale:
            raise InputError(f"Without a reference the paper's network upscales 4x, not {self.scale}x. Give maps.")
        return self.extractor.upscale(content_feature)
