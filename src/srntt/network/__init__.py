"""LR picture and textures to the HR picture: the networks, model files, and converters of others' weights."""

from srntt.network._content_extractor import ContentExtractor, ContentExtractorConfig
from srntt.network._discriminator import Discriminator
from srntt.network._download import find_vgg19, get_vgg19, vgg19_path, weights_cache_dir
from srntt.network._flax_file import read_flax_parameters
from srntt.network._hub import fetch_model, is_hub_address
from srntt.network._hub_push import Pushed, push_model
from srntt.network._lite import Lite, LiteConfig, Textures, sample_bands, sample_textures, stack_evidence
from srntt.network._model_files import ARCHITECTURES, load_model, save_model
from srntt.network._official_npz import convert_official, load_official
from srntt.network._paper import PaperConfig, PaperSRNTT
from srntt.network._texture_transfer import SwappedMaps, TextureTransfer
from srntt.network._torch_file import read_torch_file
from srntt.network._unet_discriminator import UNetDiscriminator

__all__ = [
    "ARCHITECTURES",
    "ContentExtractor",
    "ContentExtractorConfig",
    "Discriminator",
    "Lite",
    "LiteConfig",
    "PaperConfig",
    "PaperSRNTT",
    "Pushed",
    "SwappedMaps",
    "TextureTransfer",
    "Textures",
    "UNetDiscriminator",
    "convert_official",
    "fetch_model",
    "find_vgg19",
    "get_vgg19",
    "is_hub_address",
    "load_model",
    "load_official",
    "push_model",
    "read_flax_parameters",
    "read_torch_file",
    "sample_bands",
    "sample_textures",
    "save_model",
    "stack_evidence",
    "vgg19_path",
    "weights_cache_dir",
]
