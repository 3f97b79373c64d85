"""Converts arrays and tensors to samples; errors say what was given and what is allowed."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from srntt._defaults import refuse_without_values
from srntt._shapes import Shaped
from srntt.errors import InputError
from srntt.image._decode import ReadOptions
from srntt.image._levels import ValueRange, alpha_in_16_bits, levels_for
from srntt.image._modes import Samples, split
from srntt.image._source import Limits, check_pixels


def samples_from_array(array: np.ndarray, options: ReadOptions) -> Samples:
    """Takes (h, w), (h, w, 1) grey, (h, w, 2) grey+alpha, (h, w, 3) RGB or (h, w, 4) RGBA.

    uint8 and uint16 are unchanged. Floats in [0, 1], and any values with a ``value_range``, get 16 bits.

    Raises:
        InputError: unsupported shape or dtype, no pixels, or values that are not finite or outside [0, 1].
        PictureError, MemoryBudgetError: beyond the limits, which are checked before anything is copied.
    """
    shape = tuple(array.shape)
    if array.ndim not in (2, 3) or (array.ndim == 3 and shape[2] not in (1, 2, 3, 4)):
        raise InputError(
            f"array of shape {shape}: give (h, w) or (h, w, c) with c = 1 grey, 2 grey+alpha, 3 RGB or 4 RGBA; "
            f"channels come last in arrays and first in tensors, and there is no batch axis.{_array_hint(shape)}"
        )
    _check_size("array", shape, (shape[0], shape[1]), options.limits)
    value_range, native = options.value_range, array.dtype.newbyteorder("=")
    if array.dtype.kind == "f" or (value_range is not None and array.dtype.kind in "iu"):
        return _with_levels(array, value_range)
    if native not in (np.uint8, np.uint16):
        raise InputError(
            f"array of {array.dtype}: give uint8 (0..255), uint16 (0..65535), floats in [0, 1], or a value_range."
        )
    return split(array.astype(native, copy=True))


def samples_from_tensor(tensor: Tensor, options: ReadOptions) -> Samples:
    """Takes (h, w) grey or (c, h, w) with c = 1 grey, 2 grey+alpha, 3 RGB or 4 RGBA; values as for arrays.

    Raises:
        As for arrays; InputError also for tensors that hold no values.
    """
    refuse_without_values(tensor)
    if tensor.is_nested or tensor.layout != torch.strided or tensor.is_quantized or tensor.is_meta:
        raise InputError("tensor that is meta, sparse, nested or quantized: give a dense tensor that holds its values.")
    shape = tuple(tensor.shape)
    if tensor.ndim not in (2, 3) or (tensor.ndim == 3 and shape[0] not in (1, 2, 3, 4)):
        raise InputError(
            f"tensor of shape {shape}: give (h, w) or (c, h, w) with c = 1 grey, 2 grey+alpha, 3 RGB or 4 RGBA; "
            f"channels come first in tensors and last in arrays, and there is no batch axis.{_tensor_hint(shape)}"
        )
    _check_size("tensor", shape, (shape[-2], shape[-1]), options.limits)
    if tensor.dtype.is_floating_point and tensor.dtype.itemsize < 4:  # bfloat16 and smaller are unknown to NumPy
        tensor = tensor.float()
    plain = tensor.detach().cpu().resolve_conj().resolve_neg()
    return samples_from_array((plain if plain.ndim == 2 else plain.permute(1, 2, 0)).numpy(), options)


def _check_size(kind: str, shape: tuple[int, ...], size: tuple[int, int], limits: Limits) -> None:
    if 0 in shape:
        raise InputError(f"{kind} of shape {shape} holds no pixels. Give at least 1 x 1.")
    height, width = size
    check_pixels(f"<{kind}>", width, height, limits)


def _array_hint(shape: tuple[int, ...]) -> str:
    if len(shape) == 3 and shape[0] in (1, 2, 3, 4):
        return " If its channels come first, give array.transpose(1, 2, 0)."
    return " Give the pictures one at a time." if len(shape) == 4 else ""


def _tensor_hint(shape: tuple[int, ...]) -> str:
    if len(shape) == 3 and shape[2] in (1, 2, 3, 4):
        return " If its channels come last, give tensor.permute(2, 0, 1)."
    return " Give the pictures one at a time." if len(shape) == 4 else ""


def _with_levels(array: Shaped[np.ndarray, "..."], value_range: ValueRange) -> Samples:
    channels = 1 if array.ndim == 2 else array.shape[2]
    color = array[..., : channels - 1] if channels in (2, 4) else array
    try:
        levels, notes = levels_for(color, value_range)
    except InputError as error:
        raise InputError(f"array {error}") from error
    samples = split(levels.samples(array))
    if channels in (2, 4):
        samples = replace(samples, alpha=alpha_in_16_bits(array[..., -1]))
    return replace(samples, levels=levels, notes=notes if value_range is not None else ())
