"""Pictures to multi-level features phi: VGG19 (the paper's) and the learned texture encoder (ours)."""

from srntt.features._texture_encoder import (
    Description,
    TextureBands,
    TextureEncoder,
    as_uint8,
    enlarge,
    reduce,
    texture_bands,
)
from srntt.features._vgg import LAYERS, Family, Layer, VGG19Features
from srntt.features._vgg_files import (
    cut_to_deepest,
    load_vgg19,
    matconvnet_kernel,
    read_vgg19,
    save_vgg19,
    torchvision_names,
)

__all__ = [
    "LAYERS",
    "Description",
    "Family",
    "Layer",
    "TextureBands",
    "TextureEncoder",
    "VGG19Features",
    "as_uint8",
    "cut_to_deepest",
    "enlarge",
    "load_vgg19",
    "matconvnet_kernel",
    "read_vgg19",
    "reduce",
    "save_vgg19",
    "texture_bands",
    "torchvision_names",
]
