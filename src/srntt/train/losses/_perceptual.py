"""Perceptual loss: distance of two pictures in the features of a network that was trained to recognise things."""

from collections.abc import Callable, Mapping
from typing import Literal

import torch
from torch import Tensor

from srntt._shapes import Float
from srntt.errors import InputError
from srntt.train.losses._precision import exact

#: Pictures in [0, 1] to feature maps by name: `srntt.features.VGG19Features`, `VGG16Features`.
FeatureNetwork = Callable[[Tensor], Mapping[str, Tensor]]
PerceptualForm = Literal["relative", "frobenius", "squared"]


def look_at(
    network: FeatureNetwork, output: Float[Tensor, "b 3 H W"], target: Float[Tensor, "b 3 H W"]
) -> tuple[Mapping[str, Float[Tensor, "b _ _ _"]], Mapping[str, Float[Tensor, "b _ _ _"]]]:
    """Maps of the output, through which gradient flows, and of the target, which hold none; both RGB in [0, 1].

    One look serves `perceptual` and the texture losses. The network, whose parameters want no gradient, may run under
    autocast: the losses leave it. Give it channels last (``network.to(memory_format=torch.channels_last)``); the
    pictures are laid out so here.
    """
    with torch.no_grad():
        target_maps = network(target.contiguous(memory_format=torch.channels_last))
    return network(output.contiguous(memory_format=torch.channels_last)), target_maps


def perceptual(
    output_maps: Mapping[str, Float[Tensor, "b _ _ _"]],
    target_maps: Mapping[str, Float[Tensor, "b _ _ _"]],
    weights: Mapping[str, float],
    form: PerceptualForm = "relative",
) -> Float[Tensor, ""]:
    """Weighted sum over layers of the distance of two maps.

    Args:
        output_maps: as `look_at` gives them.
        target_maps: likewise.
        weights: of the layers to compare; {"relu5_1": 1.0} is the paper's choice.
        form: "frobenius", the paper's (section 3.2): norm of the difference in each channel, summed over channels and
            divided by the volume c h w. "squared", the released code's: mean of squared differences. "relative": sum of
            absolute differences over the sum of absolute target values, which is the same for networks and layers of
            any scale; 0 for equal maps, about 1 for unrelated ones.

    Returns:
        Mean over the batch.

    Raises:
        InputError: a layer that the network does not give.
    """
    if missing := sorted(set(weights) - set(output_maps)):
        raise InputError(f"No map of {', '.join(missing)}; the network gives {', '.join(output_maps)}.")
    distance = _DISTANCES[form]
    terms = [weight * distance(exact(output_maps[name]), exact(target_maps[name])) for name, weight in weights.items()]
    return torch.stack(terms).sum()


def _relative(output: Float[Tensor, "b c h w"], target: Float[Tensor, "b c h w"]) -> Float[Tensor, ""]:
    return (output - target).abs().mean() / target.abs().mean().clamp(min=1e-12)


def _frobenius(output: Float[Tensor, "b c h w"], target: Float[Tensor, "b c h w"]) -> Float[Tensor, ""]:
    # vector_norm, whose gradient at 0 is 0: that of sqrt is not a number.
    by_channel = torch.linalg.vector_norm(output - target, dim=(2, 3))
    return (by_channel.sum(1) / target[0].numel()).mean()


def _squared(output: Float[Tensor, "b c h w"], target: Float[Tensor, "b c h w"]) -> Float[Tensor, ""]:
    return (output - target).square().mean()


_DISTANCES = {"relative": _relative, "frobenius": _frobenius, "squared": _squared}
