"""Texture distance: relative distance between the Gram matrices of two pictures, regardless of spatial layout."""

import numpy as np
import torch
from torch import Tensor

from srntt._shapes import Float
from srntt.errors import InputError
from srntt.features import Layer, VGG19Features
from srntt.metrics._pixels import cropped

_LAYERS: tuple[Layer, ...] = ("relu1_1", "relu2_1", "relu3_1")


@torch.inference_mode()
def texture_distance(
    output: Float[np.ndarray, "3 H W"],
    target: Float[np.ndarray, "3 H2 W2"],
    features: VGG19Features,
    *,
    crop: int = 0,
) -> float:
    """Calculate the mean over relu1_1, relu2_1, relu3_1 of ||G(output) - G(target)|| / ||G(target)|| (Frobenius norm).

    Lower is better: 0 for equal textures, 1 for a picture without texture. G(x) = F F^T / (h w), with features F of
    c channels by h w positions, is the Gram matrix of Gatys et al. 2015 (arXiv:1505.07376, Eq. 3). The texture loss of
    SRNTT compares it on the same layers: the paper weights the squared difference of each layer by 1 / (2 c h w)^2,
    the released code averages it over the entries. Which layer dominates such a sum depends on the scale of the
    features: for outputs on CUFED5 001, relu2_1 with the original weights (71 to 76%) and relu3_1 with torchvision's
    (67 to 82%). The relative distance does not depend on that scale.

    Args:
        output: RGB in [0, 1].
        target: RGB in [0, 1], of the same size.
        features: VGG19. Distances under different weights are not comparable; `srntt evaluate` uses torchvision's.
        crop: Pixels excluded at each edge.

    Raises:
        InputError: The sizes differ, too little is left after cropping, or the features end before relu3_1.
    """
    if missing := sorted(set(_LAYERS) - set(features.layers)):
        raise InputError(f"The texture distance needs {', '.join(missing)}. Load VGG19 with last='relu3_1' or deeper.")
    maps = (
        features(torch.from_numpy(np.ascontiguousarray(picture, np.float32))[None])
        for picture in cropped(output, target, crop)
    )
    ours, truth = ([_gram(by_layer[layer]) for layer in _LAYERS] for by_layer in maps)
    return float(np.mean([float((g - t).norm() / t.norm()) for g, t in zip(ours, truth, strict=True)]))


def _gram(features: Float[Tensor, "1 c h w"]) -> Float[Tensor, "c c"]:
    rows = features[0].flatten(1).double()
    return rows @ rows.T / rows.shape[1]
