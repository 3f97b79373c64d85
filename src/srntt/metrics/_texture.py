"""Texture distance: how far the Gram matrices of two pictures are apart, whatever is where in them."""

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
    """Mean over relu1_1, relu2_1, relu3_1 of ||G(output) - G(target)|| / ||G(target)||, in Frobenius norms.

    Lower is better: 0 where the textures agree, 1 for a picture that has none. G(x) = F F^T / (h w), for features F of
    c channels by h w positions, is the Gram matrix of Gatys et al. 2015 (arXiv:1505.07376, Eq. 3), which SRNTT's
    texture loss compares on the same layers. There the squared difference counts 1 / (2 c h w)^2 for each layer, and
    SRNTT's code takes its mean over the entries. Which layer dominates such a sum depends on the scale of the
    features: for outputs of CUFED5 001, relu2_1 with the original weights (71 to 76 %), relu3_1 with torchvision's (67
    to 82 %). Hence the relative distance here.

    Args:
        output: RGB in [0, 1].
        target: RGB in [0, 1], of the same size.
        features: phi. Figures of the two families of weights do not compare; `srntt evaluate` takes torchvision's.
        crop: pixels left out at each edge.

    Raises:
        InputError: sizes differ, too little is left for phi, or phi ends before relu3_1.
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
