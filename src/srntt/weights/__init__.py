"""Pretrained weights by name: sources, hashes, converters and the cache."""

from srntt.weights._get import get_weights
from srntt.weights._hub import MAX_BYTES, PREFIX, HubAddress, explained, fetch_model, hub_client, is_hub_address
from srntt.weights._kept import (
    find_weights,
    load_dists,
    load_features,
    load_lpips,
    weights_cache_dir,
    weights_path,
)
from srntt.weights._pickled_arrays import PickledArray, read_arrays
from srntt.weights._sources import WEIGHTS, Weights
from srntt.weights._vgg_files import load_vgg19, save_vgg19

__all__ = ["find_weights", "get_weights", "load_dists", "load_lpips", "load_vgg19"]
