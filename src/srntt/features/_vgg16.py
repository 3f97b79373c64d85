"""VGG16 for the perceptual loss, of the weights that LPIPS brings: for those without VGG19."""

from collections.abc import Mapping
from typing import get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srntt._shapes import Float
from srntt.errors import InputError, ModelError
from srntt.features._vgg import LAYERS, Layer

_WIDTHS = ((64,) * 2, (128,) * 2, (256,) * 3, (512,) * 3, (512,) * 3)
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class VGG16Features(nn.Module):
    """A picture to maps of VGG16, by the names that `srntt.features.VGG19Features` has. Parameters want no gradient.

    Args:
        tensors: conv0.weight, conv0.bias, conv1.weight, ...: ``srntt.weights.load_lpips("vgg16").tensors``. More is
            not looked at.
        last: the deepest layer wanted.

    Raises:
        InputError: no such layer.
        ModelError: a tensor is missing or has another shape.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, tensors: Mapping[str, Tensor], last: Layer = "relu5_1") -> None:
        super().__init__()
        if last not in get_args(Layer):
            raise InputError(f"No layer called {last!r} here; there are {', '.join(LAYERS)}.")
        self.layers = LAYERS[: LAYERS.index(last) + 1]
        blocks = [*_WIDTHS[: len(self.layers) - 1], _WIDTHS[len(self.layers) - 1][:1]]
        self.blocks = nn.ModuleList()
        channels, index = 3, 0
        for widths in blocks:
            block = nn.ModuleList()
            for width in widths:
                block.append(_convolution(tensors, f"conv{index}", channels, width))
                channels, index = width, index + 1
            self.blocks.append(block)
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(_DEVIATION).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False).eval()

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> dict[str, Float[Tensor, "b _ _ _"]]:
        """relu1_1 (b 64 h w), relu2_1 (b 128 h//2 w//2), and so on by halves, up to the last layer asked for.

        Args:
            image: RGB in [0, 1], with a position at the last layer: 16 pixels or more each way for relu5_1.
        """
        x = (image - self.mean) / self.deviation
        maps: dict[str, Tensor] = {}
        for layer, block in zip(self.layers, self.blocks, strict=True):
            assert isinstance(block, nn.ModuleList)
            for number, convolution in enumerate(block):
                if number == 0 and maps:
                    x = F.max_pool2d(x, 2)
                x = F.relu(convolution(x), inplace=True)
                if number == 0:
                    maps[layer] = x
        return maps


def _convolution(tensors: Mapping[str, Tensor], name: str, channels: int, width: int) -> nn.Conv2d:
    convolution = nn.Conv2d(channels, width, 3, padding=1)
    shapes = {"weight": (width, channels, 3, 3), "bias": (width,)}
    found = {part: tensors.get(f"{name}.{part}") for part in shapes}
    if bad := [part for part, shape in shapes.items() if (held := found[part]) is None or held.shape != shape]:
        raise ModelError(f"Not a VGG16: {name}.{bad[0]} is missing or not of shape {shapes[bad[0]]}.")
    convolution.load_state_dict(found)
    return convolution
