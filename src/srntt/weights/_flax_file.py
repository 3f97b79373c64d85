"""Parameters of a Flax network out of a pickle of NumPy arrays in nested dictionaries, without unpickling it."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from srntt.errors import ModelError
from srntt.weights._pickle_reader import read_pickle
from srntt.weights._pickled_arrays import NUMPY_GLOBALS, PickledArray

_MAX_BYTES = 64 << 20  # VGG16's convolutions are 59 MB
_MAX_DEPTH = 4


def read_flax_parameters(path: str | Path) -> dict[str, np.ndarray]:
    """The arrays of the file by the names on the way to them, joined by slashes; float32, finite, nothing run.

    Raises:
        ModelError: no such file, more than 64 MB, damaged, or anything else than dictionaries of float arrays.
    """
    path = Path(path)
    if not os.path.isfile(path):
        raise ModelError(f"{path} is no file. Give the path of a .ckpt file.")
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise ModelError(f"Cannot read {path}: {error.strerror}. Give the path of a .ckpt file.") from error
    if len(content) > _MAX_BYTES:
        raise ModelError(f"{path} is larger than {_MAX_BYTES} bytes: refused.")
    try:
        tree, _ = read_pickle(content, NUMPY_GLOBALS)
        return dict(_leaves(tree, ()))
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error


def _leaves(tree: Any, names: tuple[str, ...]) -> Iterator[tuple[str, np.ndarray]]:
    if type(tree) is dict and len(names) < _MAX_DEPTH:
        for name, branch in tree.items():
            yield from _leaves(branch, (*names, name))
    elif isinstance(tree, PickledArray) and isinstance(tree.content, np.ndarray):
        if not np.isfinite(tree.content).all():
            raise ModelError(f"{'/'.join(names)[:80]} has values that are not finite: damaged.")
        yield "/".join(names), tree.content
    else:
        raise ModelError(f"{'/'.join(names)[:80] or 'its content'} is neither a dictionary nor a float array.")
