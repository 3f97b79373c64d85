"""The single-image part of srntt's light models as an architecture for spandrel. Requires torch alone.

    import spandrel
    import spandrel_srntt

    spandrel_srntt.register()
    model = spandrel.ModelLoader().load_from_file("lite-rec/model.safetensors")

Without references a light model is a residual network on the low-resolution grid whose output is added to a bicubic
enlargement; the layers that match and transfer textures are not used and need not be loaded.
"""

import math
from collections.abc import Mapping
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

KEYS = ("head.weight", "content.0.first.weight", "transfer.0.second.weight", "fusion.merge.0.weight", "tail.weight")


class ResidualBlock(nn.Module):
    """Convolution, ReLU, convolution, skip."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(F.relu(self.first(x)))


class LiteBase(nn.Module):
    """Single-image super-resolution by a light model: (b, 3, h, w) in [0, 1] to (b, 3, scale h, scale w).

    Args:
        channels: width of the body.
        content_blocks: residual blocks before the position where textures would be added.
        transfer_blocks: residual blocks after it.
        scale: factor, 2 to 4.
    """

    def __init__(self, channels: int, content_blocks: int, transfer_blocks: int, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.head = nn.Conv2d(3, channels, 3, padding=1)
        self.content = nn.Sequential(*[ResidualBlock(channels) for _ in range(content_blocks)])
        self.transfer = nn.Sequential(*[ResidualBlock(channels) for _ in range(transfer_blocks)])
        self.tail = nn.Conv2d(channels, 3 * scale**2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        size = (x.shape[2] * self.scale, x.shape[3] * self.scale)
        enlarged = F.interpolate(x, size=size, mode="bicubic", antialias=True)
        head = self.head(x - 0.5)
        residual = self.tail(self.transfer(self.content(head)) + head)
        return enlarged + F.pixel_shuffle(residual, self.scale)


def detect(state_dict: Mapping[str, Tensor]) -> bool:
    """Whether these are the weights of a light model."""
    return all(key in state_dict for key in KEYS)


def _length(state_dict: Mapping[str, Tensor], name: str) -> int:
    return len({key.split(".")[1] for key in state_dict if key.startswith(f"{name}.")})


def build(state_dict: Mapping[str, Tensor]) -> LiteBase:
    """The network with its weights; sizes are read off the weights.

    Raises:
        ValueError: not the weights of a light model.
    """
    if not detect(state_dict):
        raise ValueError("These are not the weights of a light model of srntt.")
    scale = math.isqrt(state_dict["tail.weight"].shape[0] // 3)
    channels = state_dict["head.weight"].shape[0]
    model = LiteBase(channels, _length(state_dict, "content"), _length(state_dict, "transfer"), scale)
    model.load_state_dict({key: state_dict[key] for key in model.state_dict()})
    return model.eval()


def register() -> None:
    """Add the architecture to spandrel's main registry."""
    from spandrel import MAIN_REGISTRY, Architecture, ArchSupport, ImageModelDescriptor  # pyright: ignore

    class SRNTTLite(Architecture):
        def __init__(self) -> None:
            super().__init__(id="SRNTTLite", detect=detect)

        def load(self, state_dict: Mapping[str, Tensor]) -> Any:
            model = build(state_dict)
            return ImageModelDescriptor(
                model,
                model.state_dict(),
                architecture=self,
                purpose="SR",
                tags=[f"{model.head.out_channels}nf", f"{len(model.content) + len(model.transfer)}nb"],
                supports_half=True,
                supports_bfloat16=True,
                scale=model.scale,
                input_channels=3,
                output_channels=3,
            )

    MAIN_REGISTRY.add(ArchSupport.from_architecture(SRNTTLite()))
