"""The paper's texture transfer: content feature and swapped maps to the HR picture (section 3.3, figure 4)."""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srntt._shapes import Float
from srntt.errors import InputError
from srntt.models.paper._blocks import CHANNELS, ResidualBody, SubPixelUpscale, conv3
from srntt.transfer import SwappedMaps

Scale = Literal[4, 8, 16]


class MapGate(nn.Module):
    """The optional gate of a level: map times sigmoid(a * similarity + b), a and b learned."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.ones(()))
        self.b = nn.Parameter(torch.zeros(()))

    def forward(
        self, swapped_map: Float[Tensor, "b c h w"], similarity: Float[Tensor, "b 1 _ _"]
    ) -> Float[Tensor, "b c h w"]:
        # PAPER: the similarity map is on the LR grid; the paper does not say how it meets a larger map. Bilinearly,
        # here.
        similarity = F.interpolate(similarity, swapped_map.shape[-2:], mode="bilinear", align_corners=False)
        return swapped_map * torch.sigmoid(self.a * similarity + self.b)


class TransferLevel(nn.Module):
    """One scale: [feature, map] through residual blocks, added to the feature (equation 4)."""

    def __init__(self, map_channels: int, blocks: int) -> None:
        super().__init__()
        self.head = conv3(CHANNELS + map_channels, CHANNELS)
        self.body = ResidualBody(blocks)

    def forward(
        self, feature: Float[Tensor, "b 64 h w"], swapped_map: Float[Tensor, "b c h w"]
    ) -> Float[Tensor, "b 64 h w"]:
        return self.body(self.head(torch.cat([feature, swapped_map], 1)).relu_()) + feature


class TextureTransfer(nn.Module):
    """Content feature and swapped maps to the HR picture. 2,865,347 parameters at 4x; new ones are in evaluation mode.

    Args:
        scale: 4; 8 and 16 put one or two more sub-pixel steps after the last level.
        gated: give each level a `MapGate`. The official weights were trained without.

    Attributes:
        halo: LR pixels on each side that an output pixel depends on, in the content feature and in the maps.
    """

    #: 1 + 32 + 1 and the upscale's 1 on the LR grid; 18 + 1 on twice that; 10, conv3 and two more sub-pixel steps on
    #: the rest.
    halo = 35 + 10 + 3

    def __init__(self, scale: Scale = 4, gated: bool = False) -> None:
        super().__init__()
        if scale not in (4, 8, 16):
            raise InputError(f"No texture transfer of scale {scale}; there are 4, 8 and 16.")
        self.scale: Scale = scale
        self.small = TransferLevel(256, 16)
        self.small_up = SubPixelUpscale(CHANNELS, CHANNELS)
        self.medium = TransferLevel(128, 8)
        self.medium_up = SubPixelUpscale(CHANNELS, CHANNELS)
        self.large = TransferLevel(64, 4)
        self.detail, detail_channels = _detail(scale)
        self.to_rgb = nn.Conv2d(detail_channels, 3, 1)
        self.gates = nn.ModuleList(MapGate() for _ in range(3)) if gated else None
        self.eval()

    def forward(
        self,
        content_feature: Float[Tensor, "b 64 h w"],
        maps: SwappedMaps,
        weights: Float[Tensor, "b 1 h w"] | None = None,
    ) -> Float[Tensor, "b 3 H W"]:
        """The HR picture, RGB in [0,1].

        Args:
            content_feature: of the LR picture, by `ContentExtractor`.
            maps: swapped maps of the VGG19 family that the weights were trained with.
            weights: similarity map S* for the gates, cosines; needed by a gated transfer, refused by others.

        Raises:
            InputError: maps that do not fit the content feature; weights missing or not wanted.
        """
        return (self.raw(content_feature, maps, weights).tanh() + 1) / 2

    def raw(
        self,
        content_feature: Float[Tensor, "b 64 h w"],
        maps: SwappedMaps,
        weights: Float[Tensor, "b 1 h w"] | None = None,
    ) -> Float[Tensor, "b 3 H W"]:
        """As `forward`, before tanh."""
        _refuse_misfits(content_feature, maps)
        maps = self._gated(maps, weights)
        x = self.small_up(self.small(content_feature, maps.small))
        x = self.medium_up(self.medium(x, maps.medium))
        return self.to_rgb(self.detail(self.large(x, maps.large)))

    @torch.no_grad()
    def begin_as(self, small_up: SubPixelUpscale, medium_up: SubPixelUpscale, to_rgb: nn.Conv2d) -> None:
        """Take over the upscaling of a network without maps (4x); each level passes its feature on unchanged."""
        assert isinstance(self.detail, nn.Conv2d)
        for level in (self.small, self.medium, self.large):
            level.body.norm.weight.zero_()
            level.body.norm.bias.zero_()
        self.small_up.load_state_dict(small_up.state_dict())
        self.medium_up.load_state_dict(medium_up.state_dict())
        middle = self.detail.weight.shape[-1] // 2
        self.detail.weight[:3] = 0  # three of its channels are the colours
        self.detail.weight[:3, :, middle, middle] = to_rgb.weight[:, :, 0, 0]
        _bias(self.detail)[:3] = _bias(to_rgb)
        self.to_rgb.weight.zero_()
        self.to_rgb.weight[range(3), range(3)] = 1
        _bias(self.to_rgb).zero_()

    def _gated(self, maps: SwappedMaps, weights: Float[Tensor, "b 1 h w"] | None) -> SwappedMaps:
        if (self.gates is None) != (weights is None):
            wanted = (
                "has gates: give it the similarity map as weights"
                if weights is None
                else "has no gates: give no weights"
            )
            raise InputError(f"This texture transfer {wanted}.")
        if self.gates is None:
            return maps
        return SwappedMaps(*(gate(level, weights) for gate, level in zip(self.gates, maps, strict=True)))


def _detail(scale: Scale) -> tuple[nn.Module, int]:
    if scale == 4:
        return conv3(CHANNELS, 32), 32
    steps = [SubPixelUpscale(CHANNELS, 8)] + [SubPixelUpscale(8, 8)] * (scale == 16)
    return nn.Sequential(*steps), 8


def _bias(layer: nn.Conv2d) -> Tensor:
    assert layer.bias is not None
    return layer.bias


def _refuse_misfits(content_feature: Float[Tensor, "b 64 h w"], maps: SwappedMaps) -> None:
    batch, _, height, width = content_feature.shape
    for name, level, channels, factor in zip(maps._fields, maps, (256, 128, 64), (1, 2, 4), strict=True):
        expected = (batch, channels, factor * height, factor * width)
        if tuple(level.shape) != expected:
            raise InputError(
                f"The {name} map has shape {tuple(level.shape)}; a {width}x{height} content feature needs {expected}."
            )
