"""VGG19 up to the layers that SRNTT matches (relu3_1), swaps (relu1_1, relu2_1, relu3_1) and is trained by (relu5_1);
VGG16, which training can look through in its place.

Two sets of weights of VGG19 are about, from two trainings. `caffe`: Simonyan & Zisserman's own (arXiv:1409.1556), as in
MatConvNet's imagenet-vgg-verydeep-19.mat, the phi of the paper and of the official SRNTT weights. `torchvision`:
vgg19-dcbb9e9d.pth.
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

#: Channels of each 3x3 convolution, block by block, each with a ReLU behind it; a max pooling stands between blocks.
#: Simonyan & Zisserman 2014, configurations D and E.
WIDTHS: dict[Network, tuple[tuple[int, ...], ...]] = {
    "vgg16": ((64,) * 2, (128,) * 2, (256,) * 3, (512,) * 3, (512,) * 3),
    "vgg19": ((64,) * 2, (128,) * 2, (256,) * 4, (512,) * 4, (512,) * 4),
}

# What a picture in [0,1] is multiplied by, and what is then taken off: 255 x - mean, no division; (x - mean) /
# deviation.
_SCALING: dict[Family, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    "caffe": ((255.0, 255.0, 255.0), (123.68, 116.779, 103.939)),
    "torchvision": ((1 / 0.229, 1 / 0.224, 1 / 0.225), (0.485 / 0.229, 0.456 / 0.224, 0.406 / 0.225)),
}


def conv_names(last: Layer | None = None, network: Network = "vgg19") -> list[str]:
    """Names of the convolutions that `last` needs, in order: conv1_1, conv1_2, conv2_1, ...; None: all of them."""
    names = [f"conv{block}_{i}" for block, widths in enumerate(WIDTHS[network], 1) for i in range(1, len(widths) + 1)]
    return names[: names.index(last.replace("relu", "conv")) + 1] if last else names


def tensor_shapes(last: Layer | None = None, network: Network = "vgg19") -> dict[str, tuple[int, ...]]:
    """Shape of each weight and bias that `last` needs, under our names: conv1_1.weight, conv1_1.bias, ..."""
    shapes: dict[str, tuple[int, ...]] = {}
    channels = 3
    for name in conv_names(last, network):
        width = WIDTHS[network][int(name[4]) - 1][int(name[6]) - 1]
        shapes |= {f"{name}.weight": (width, channels, 3, 3), f"{name}.bias": (width,)}
        channels = width
    return shapes


def stride(layer: Layer) -> int:
    """Input pixels per position of `layer`: 1, 2, 4, 8, 16."""
    return 2 ** LAYERS.index(layer)


def halo(layer: Layer, network: Network = "vgg19") -> int:
    """Input pixels on each side that position i of `layer` depends on beyond its own, stride*i .. stride*(i+1)-1."""
    # A 3x3 convolution adds one position of its own grid on each side. Even-sized pooling keeps cells aligned and
    # adds none.
    return sum(2 ** (int(name[4]) - 1) for name in conv_names(layer, network))


class _VGGFeatures(nn.Module):
    """A picture to the maps of a VGG: what both have in common."""

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
        self.stride, self.halo = stride(last), halo(last, self.network)
        self.receptive_field = self.stride + 2 * self.halo
        for name, shape in tensor_shapes(last, self.network).items():
            if name.endswith(".weight"):
                self.add_module(name.removesuffix(".weight"), nn.Conv2d(shape[1], shape[0], 3, padding=1))
        gain, shift = _SCALING[family]
        self.register_buffer("gain", torch.tensor(gain).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("shift", torch.tensor(shift).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False).eval()

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> dict[str, Float[Tensor, "b _ _ _"]]:
        """Feature maps by name, up to the last layer asked for.

        Args:
            image: RGB in [0,1], at least `stride` pixels each way.

        Returns:
            relu1_1 (b 64 h w), relu2_1 (b 128 h//2 w//2), relu3_1 (b 256 h//4 w//4), and so on by halves.

        Raises:
            InputError: the picture is smaller than one cell of the last layer.
        """
        height, width = image.shape[-2:]
        if min(height, width) < self.stride:
            raise InputError(
                f"A picture of {width}x{height} has no position at {self.layers[-1]}. "
                f"Give {self.stride} pixels or more each way."
            )
        # The convolutions pad with zeros after the mean is gone, as both trainings did.
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
    """phi: a picture to its feature maps.

    Weights are random until loaded: `srntt.weights.load_vgg19` gives one with weights. Parameters do not require a
    gradient; gradients with respect to the picture flow.

    To work in tiles: cut with `halo` more pixels on each side, at multiples of `stride`, then drop what came of them
    (rounded up to whole cells): the result is that of the whole picture.

    Args:
        family: whose weights it will hold; decides the scaling of the input.
        last: the deepest layer wanted.

    Attributes:
        stride: input pixels per position of the deepest layer.
        halo: input pixels beyond its own cell that a position of the deepest layer depends on, each side.
        receptive_field: side of all the input that it depends on.

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
    """The same of VGG16, in place of VGG19 for losses: with LPIPS come torchvision's weights of it."""

    network: ClassVar[Network] = "vgg16"

    def __init__(self, last: Layer = "relu5_1") -> None:
        super().__init__("torchvision", last)
