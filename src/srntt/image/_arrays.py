"""Arrays and tensors from other programs to samples, with errors that say what was given and what is allowed."""

import numpy as np
import torch
from torch import Tensor

from srntt._shapes import Shaped
from srntt.errors import InputError
from srntt.image._modes import Samples, split

__all__ = ["samples_from_array", "samples_from_tensor"]


def samples_from_array(array: np.ndarray) -> Samples:
    """Takes (h, w), (h, w, 1) grey, (h, w, 2) grey+alpha, (h, w, 3) RGB or (h, w, 4) RGBA.

    uint8 and uint16 are kept; floats in [0, 1] are kept with 8 bits where they are exactly k/255, else with 16.

    Raises:
        InputError: another shape or dtype, nothing in it, values that are not finite or leave [0, 1].
    """
    shape = tuple(array.shape)
    if array.ndim not in (2, 3) or (array.ndim == 3 and shape[2] not in (1, 2, 3, 4)):
        raise InputError(
            f"array of shape {shape}: give (h, w) or (h, w, c) with c = 1 grey, 2 grey+alpha, 3 RGB or 4 RGBA; "
            f"channels come last in arrays and first in tensors, and there is no batch axis.{_array_hint(shape)}"
        )
    if 0 in shape:
        raise InputError(f"array of shape {shape} holds no pixels. Give at least 1 x 1.")
    if array.dtype.kind == "f":
        array = _from_float(array)
    native = array.dtype.newbyteorder("=")
    if native not in (np.uint8, np.uint16):
        raise InputError(f"array of {array.dtype}: give uint8 (0..255), uint16 (0..65535) or floats in [0, 1].")
    return split(array.astype(native, copy=True))


def samples_from_tensor(tensor: Tensor) -> Samples:
    """Takes (h, w) grey or (c, h, w) with c = 1 grey, 2 grey+alpha, 3 RGB or 4 RGBA; values as for arrays.

    Raises:
        InputError: another shape or dtype, nothing in it, values that are not finite or leave [0, 1].
    """
    shape = tuple(tensor.shape)
    if tensor.ndim not in (2, 3) or (tensor.ndim == 3 and shape[0] not in (1, 2, 3, 4)):
        raise InputError(
            f"tensor of shape {shape}: give (h, w) or (c, h, w) with c = 1 grey, 2 grey+alpha, 3 RGB or 4 RGBA; "
            f"channels come first in tensors and last in arrays, and there is no batch axis.{_tensor_hint(shape)}"
        )
    if tensor.dtype == torch.bfloat16:  # unknown to NumPy
        tensor = tensor.float()
    plain = tensor.detach().cpu()
    return samples_from_array((plain if plain.ndim == 2 else plain.permute(1, 2, 0)).numpy())


def _array_hint(shape: tuple[int, ...]) -> str:
    if len(shape) == 3 and shape[0] in (1, 2, 3, 4):
        return " If its channels come first, give array.transpose(1, 2, 0)."
    return " Give its pictures one by one." if len(shape) == 4 else ""


def _tensor_hint(shape: tuple[int, ...]) -> str:
    if len(shape) == 3 and shape[2] in (1, 2, 3, 4):
        return " If its channels come last, give tensor.permute(2, 0, 1)."
    return " Give its pictures one by one." if len(shape) == 4 else ""


def _from_float(array: Shaped[np.ndarray, "..."]) -> Shaped[np.ndarray, "..."]:
    if not np.isfinite(array).all():
        raise InputError("floats that are not finite (NaN or infinity) are no picture. Replace them first.")
    low, high = float(array.min()), float(array.max())
    if low < 0 or high > 1:
        raise InputError(f"floats from {low:g} to {high:g}: only [0, 1] is allowed. Scale or clip them first.")
    eight = np.rint(array * 255)
    if np.array_equal((eight / 255).astype(array.dtype), array):
        return eight.astype(np.uint8)
    return np.rint(array.astype(np.float64) * 65_535).astype(np.uint16)
