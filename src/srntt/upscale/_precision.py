"""Precision of the network."""

from typing import Literal, get_args

import torch

from srntt.errors import InputError

PrecisionOption = Literal["float32", "auto"]
"""``auto`` computes the network in bfloat16 on processors that have instructions for it."""


def check_precision(option: str) -> None:
    """Validate the option.

    Raises:
        InputError: The option is unknown.
    """
    if option not in get_args(PrecisionOption):
        raise InputError(f"precision is {option!r}; give {' or '.join(map(repr, get_args(PrecisionOption)))}.")


def is_half(option: PrecisionOption, device: torch.device) -> bool:
    """Return whether the network is computed in bfloat16."""
    if option != "auto" or device.type != "cpu":
        return False
    return bool(torch.cpu._is_avx512_bf16_supported())
