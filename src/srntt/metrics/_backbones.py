"""VGG16 and AlexNet as backbones of perceptual metrics: convolutions and ReLUs, in five stages."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from srntt._shapes import Float
from srntt.errors import InputError
from srntt.features import WIDTHS
from srntt.metrics._pixels import cropped

Backbone = Literal["vgg16", "alexnet"]


@dataclass(frozen=True)
class Convolution:
    """Output channels, kernel size, stride and padding of a convolution followed by a ReLU."""

    channels: int
    side: int = 3
    stride: int = 1
    padding: int = 1


@dataclass(frozen=True)
class Stage:
    """Convolutions whose last output is compared, after max pooling of this kernel size with stride 2 (0 for none)."""

    pooling: int
    convolutions: tuple[Convolution, ...]


#: VGG16 to relu5_3; AlexNet (Krizhevsky 2014, one tower) to relu5.
STAGES: dict[Backbone, tuple[Stage, ...]] = {
    "vgg16": tuple(
        Stage(2 if block else 0, tuple(map(Convolution, widths))) for block, widths in enumerate(WIDTHS["vgg16"])
    ),
    "alexnet": (
        Stage(0, (Convolution(64, 11, 4, 2),)),
        Stage(3, (Convolution(192, 5, 1, 2),)),
        Stage(3, (Convolution(384),)),
        Stage(0, (Convolution(256),)),
        Stage(0, (Convolution(256),)),
    ),
}

#: Smallest height and width, in pixels, for which every stage has an output.
LEAST_SIDE: dict[Backbone, int] = {"vgg16": 16, "alexnet": 31}

Pooling = Callable[[Float[Tensor, "1 c h w"], int], Float[Tensor, "1 c h2 w2"]]


def backbone_shapes(backbone: Backbone) -> dict[str, tuple[int, ...]]:
    """Return the shape of each weight and bias, by name: conv0.weight, conv0.bias, conv1.weight, ..."""
    shapes: dict[str, tuple[int, ...]] = {}
    channels = 3
    convolutions = (convolution for stage in STAGES[backbone] for convolution in stage.convolutions)
    for index, convolution in enumerate(convolutions):
        shapes[f"conv{index}.weight"] = (convolution.channels, channels, convolution.side, convolution.side)
        shapes[f"conv{index}.bias"] = (convolution.channels,)
        channels = convolution.channels
    return shapes


def stage_channels(backbone: Backbone) -> list[int]:
    """Return the number of output channels of each stage."""
    return [stage.convolutions[-1].channels for stage in STAGES[backbone]]


def stage_maps(
    backbone: Backbone,
    weights: Mapping[str, Tensor],
    output: Float[Tensor, "1 3 h w"],
    target: Float[Tensor, "1 3 h w"],
    pooling: Pooling | None = None,
) -> Iterator[tuple[Float[Tensor, "1 c h2 w2"], Float[Tensor, "1 c h2 w2"]]]:
    """Yield the feature maps of two pictures stage by stage, so that only one stage is in memory.

    The weights are named as in `backbone_shapes`, the pictures normalised as for the training of the network.
    ``pooling``, called with a map and the kernel size, replaces max pooling.
    """
    index = 0
    for stage in STAGES[backbone]:
        end = index + len(stage.convolutions)
        names = [f"conv{number}" for number in range(index, end)]
        output, target = (_through(stage, names, weights, x, pooling) for x in (output, target))
        yield output, target
        index = end


def prepared(
    backbone: Backbone, output: Float[np.ndarray, "3 H W"], target: Float[np.ndarray, "3 H2 W2"], crop: int
) -> tuple[Float[Tensor, "1 3 h w"], Float[Tensor, "1 3 h w"]]:
    """Crop both pictures and convert them to float32 tensors in [0, 1].

    Raises:
        InputError: The sizes differ, or too little is left for the network after cropping.
    """
    output, target = cropped(output, target, crop)
    if min(output.shape[1:]) < (least := LEAST_SIDE[backbone]):
        raise InputError(
            f"{backbone} needs {least}x{least} pixels; {output.shape[2]}x{output.shape[1]} are left after cropping "
            f"{crop}. Give a larger picture or a smaller crop."
        )
    # Channels last: LPIPS of a 500x332 picture by VGG16 on two CPU cores took 2.6 s instead of 3.6.
    first, second = (
        torch.from_numpy(np.ascontiguousarray(x, np.float32))[None].contiguous(memory_format=torch.channels_last)
        for x in (output, target)
    )
    return first, second


def _through(
    stage: Stage, names: list[str], weights: Mapping[str, Tensor], x: Tensor, pooling: Pooling | None
) -> Tensor:
    if stage.pooling:
        x = pooling(x, stage.pooling) if pooling else F.max_pool2d(x, stage.pooling, 2)
    for name, shape in zip(names, stage.convolutions, strict=True):
        kernel, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
        x = F.relu(F.conv2d(x, kernel, bias, stride=shape.stride, padding=shape.padding), inplace=True)
    return x
