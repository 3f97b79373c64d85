"""Weights by name: where they come from, their hashes, how foreign files are read, where they are kept."""

from srntt.weights._download import find_vgg19, get_vgg19, vgg19_path, weights_cache_dir
from srntt.weights._flax_file import read_flax_parameters
from srntt.weights._hub import MAX_BYTES, PREFIX, HubAddress, explained, fetch_model, hub_client, is_hub_address
from srntt.weights._metric_weights import dists_path, get_dists, get_lpips, load_dists, load_lpips, lpips_path
from srntt.weights._perceptual import load_features
from srntt.weights._pickle_reader import read_pickle
from srntt.weights._pickled_arrays import NUMPY_GLOBALS, PickledArray
from srntt.weights._torch_file import read_torch_file
from srntt.weights._vgg_files import (
    cut_to_deepest,
    load_vgg19,
    matconvnet_kernel,
    read_vgg19,
    save_vgg19,
    torchvision_names,
)

__all__ = [
    "MAX_BYTES",
    "NUMPY_GLOBALS",
    "PREFIX",
    "HubAddress",
    "PickledArray",
    "cut_to_deepest",
    "dists_path",
    "explained",
    "fetch_model",
    "find_vgg19",
    "get_dists",
    "get_lpips",
    "get_vgg19",
    "hub_client",
    "is_hub_address",
    "load_dists",
    "load_features",
    "load_lpips",
    "load_vgg19",
    "lpips_path",
    "matconvnet_kernel",
    "read_flax_parameters",
    "read_pickle",
    "read_torch_file",
    "read_vgg19",
    "save_vgg19",
    "torchvision_names",
    "vgg19_path",
    "weights_cache_dir",
]
