"""VGG19 with random weights, so that the paper's models run without a download."""

import torch

from srntt.features import VGG19Features
from srntt.weights import save_vgg19, weights_path


def keep_random_vgg19() -> VGG19Features:
    """Save it where models look for it; the caller has set XDG_CACHE_HOME."""
    torch.manual_seed(1)
    features = VGG19Features("caffe")
    for name, parameter in features.named_parameters():
        torch.nn.init.normal_(parameter, std=0.02 if name.endswith("bias") else (2 / parameter[0].numel()) ** 0.5)
    weights_path("vgg19-caffe").parent.mkdir(parents=True)
    save_vgg19(weights_path("vgg19-caffe"), features.state_dict(), "caffe")
    return features
