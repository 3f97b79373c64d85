"""Feature extractors: VGG19 (phi of the paper) and the learned texture encoder of the light models."""

from srntt.features._texture_encoder import NOISE_FLOOR, WINDOW, Description, TextureEncoder, box_mean, texture_bands
from srntt.features._vgg import LAYERS, WIDTHS, Family, Layer, VGG16Features, VGG19Features, conv_names, tensor_shapes

__all__ = ["TextureEncoder", "VGG19Features"]
