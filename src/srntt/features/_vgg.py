"""VGG19 feature maps for matching (relu3_1), swapping (relu1_1, relu2_1, relu3_1) and losses (up to relu5_1); VGG16 as
an alternative for losses.

Two sets of VGG19 weights are in use, from different trainings. `caffe` is the original of Simonyan & Zisserman
(arXiv:1409.1556), as distributed in MatConvNet's imagenet-vgg-verydeep-19.mat: the phi of the paper and of the official
SRNTT weights. `torchvision` is vgg19-dcbb9e9d.pth.
"""

from typing import ClassVar, Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srntt._shapes import Float
from srntt.errors import InputError

Family = Literal["caffe", "torchvision"]
Network = Literal["vgg16", "vgg19"]
Layer = Literal["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]
LAYERS: tuple[Layer, ...] = get_args(Layer)

#: Channels of each 3x3 convolution, block by block. Each is followed by a ReLU, each block but the last by max pooling.
#: Simonyan & Zisserman 2014, configurations D and E.
WIDTHS: dict[Network, tuple[tuple[int, ...], ...]] = {
    "vgg16": ((64,) * 2, (128,) * 2, (256,) * 3, (512,) * 3, (512,) * 3),
    "vgg19": ((64,) * 2, (128,) * 2, (256,) * 4, (512,) * 4, (512,) * 4),
}

# (gain, shift) of the input normalisation gain * x - shift, for x in [0, 1]: 255 x - mean for `caffe`, (x - mean) / std
# for `torchvision`.
_SCALING: dict[Family, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    "caffe": ((255.0, 255.0, 255.0), (123.68, 116.779, 103.939)),
    "torchvision": ((1 / 0.229, 1 / 0.224, 1 / 0.225), (0.485 / 0.229, 0.456 / 0.224, 0.406 / 0.225)),
}


def conv_names(last: Layer | None = None, network: Network = "vgg19") -> list[str]:
    """Return the names of the convolutions up to `last` (all if None), in order: conv1_1, conv1_2, conv2_1, ..."""
    names = [f"conv{block}_{i}" for block, widths in enumerate(WIDTHS[network], 1) for i in range(1, len(widths) + 1)]
    return names[: names.index(last.replace("relu", "conv")) + 1] if last else names


def tensor_shapes(last: Layer | None = None, network: Network = "vgg19") -> dict[str, tuple[int, ...]]:
    """Return the shape of each weight and bias up to `last`, by name: conv1_1.weight, conv1_1.bias, ..."""
    shapes: dict[str, tuple[int, ...]] = {}
    channels = 3
    for name in conv_names(last, network):
        width = WIDTHS[network][int(name[4]) - 1][int(name[6]) - 1]
        shapes |= {f"{name}.weight": (width, channels, 3, 3), f"{name}.bias": (width,)}
        channels = width
    return shapes


class _VGGFeatures(nn.Module):
    """Base class of the two VGGs."""

    network: ClassVar[Network]
    gain: Tensor
    shift: Tensor

    def __init__(self, family: Family, last: Layer) -> None:
        super().__init__()
        if family not in get_args(Family):
            raise InputError(f"No VGG weights called {family!r}; there are {', '.join(get_args(Family))}.")
        if last not in LAYERS:
            raise InputError(f"No layer called {last!r} here; there are {', '.join(LAYERS)}.")
        self.family: Family = family
        self.layers = LAYERS[: LAYERS.index(last) + 1]
        self.stride = 2 ** LAYERS.index(last)
        # Each 3x3 convolution adds one position of its grid on each side; 2x2 pooling keeps cells aligned: none.
        self.halo = sum(2 ** (int(name[4]) - 1) for name in conv_names(last, self.network))
        self.receptive_field = self.stride + 2 * self.halo
        for name, shape in tensor_shapes(last, self.network).items():
            if name.endswith(".weight"):
                self.add_module(name.removesuffix(".weight"), nn.Conv2d(shape[1], shape[0], 3, padding=1))
        gain, shift = _SCALING[family]
        self.register_buffer("gain", torch.tensor(gain).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("shift", torch.tensor(shift).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False).eval()

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> dict[str, Float[Tensor, "b _ _ _"]]:
        """Compute the feature maps up to the last layer.

        Args:
            image: RGB in [0, 1], at least `stride` pixels in height and width.

        Returns:
            Feature maps by layer name: relu1_1 (b 64 h w), relu2_1 (b 128 h//2 w//2), relu3_1 (b 256 h//4 w//4), ...

        Raises:
            InputError: The picture is smaller than one cell of the last layer.
        """
        height, width = image.shape[-2:]
        if min(height, width) < self.stride:
            raise InputError(
                f"A picture of {width}x{height} has no position at {self.layers[-1]}. "
                f"Give a picture of at least {self.stride}x{self.stride} pixels."
            )
        # The convolutions pad with zeros after the mean is subtracted, as in both trainings.
        x = image * self.gain - self.shift
        features: dict[str, Tensor] = {}
        for name in conv_names(self.layers[-1], self.network):
            if name.endswith("_1") and name != "conv1_1":
                x = F.max_pool2d(x, 2)
            x = F.relu(self.get_submodule(name)(x), inplace=True)
            if (layer := name.replace("conv", "relu")) in self.layers:
                features[layer] = x
        return features


class VGG19Features(_VGGFeatures):
    """VGG19 feature extractor, phi of the paper.

    Weights are random until loaded; `srntt.weights.load_vgg19` returns an extractor with weights. Parameters do not
    require gradients; the maps are differentiable with respect to the picture.

    To process a picture in tiles, cut at multiples of `stride` with `halo` more pixels on each side, then discard the
    positions of the halo (rounded up to whole cells). The result is that of the whole picture.

    Args:
        family: Origin of the weights, which determines the normalisation of the input.
        last: Deepest layer computed.

    Attributes:
        stride: Input pixels per position of the deepest layer.
        halo: Input pixels on each side of its own cell, stride * i .. stride * (i + 1) - 1, that position i of the
            deepest layer depends on.
        receptive_field: Height and width, in input pixels, of the receptive field of the deepest layer.

    Example:
        >>> features = VGG19Features("caffe", last="relu3_1")
        >>> {name: tuple(x.shape) for name, x in features(torch.rand(1, 3, 40, 42)).items()}
        {'relu1_1': (1, 64, 40, 42), 'relu2_1': (1, 128, 20, 21), 'relu3_1': (1, 256, 10, 10)}
        >>> features.stride, features.halo, features.receptive_field
        (4, 10, 24)
    """

    network: ClassVar[Network] = "vgg19"

    def __init__(self, family: Family = "caffe", last: Layer = "relu3_1") -> None:
        super().__init__(family, last)


class VGG16Features(_VGGFeatures):
    """VGG16 feature extractor, an alternative to VGG19 for losses; LPIPS comes with torchvision's weights of it."""

    network: ClassVar[Network] = "vgg16"

    def __init__(self, last: Layer = "relu5_1") -> None:
        super().__init__("torchvision", last)
