"""Memory of the process: resident and peak memory, the budget, and amounts such as "2GB"."""

import gc
import re

import torch

from srntt._system import give_back, reset_peak
from srntt.errors import InputError
from srntt.memory._free import free_bytes

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "KI": 2**10, "MI": 2**20, "GI": 2**30}
_AMOUNT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([KMG]I?)?B?\s*", re.IGNORECASE)
_MOST_BITS = 62  # of an amount
_DEFAULT_SHARE = 0.8  # of the available memory, if the user sets no budget


def parse_memory(amount: int | str | None) -> int | None:
    """Convert an amount such as ``2_000_000_000``, ``"2GB"``, ``"1.5 GiB"`` or ``"800M"`` to bytes; None stays None.

    Raises:
        InputError: Not an amount of memory, or not positive.

    Example:
        >>> parse_memory("1.5GB")
        1500000000
    """
    if amount is None:
        return None
    bits = amount.bit_length() if isinstance(amount, int) else 0
    huge = bits > _MOST_BITS  # Python refuses to print the largest
    given = f"An integer of {bits} bits" if huge else repr(amount)
    match = None if huge else _AMOUNT.fullmatch(str(amount))
    size = float(match[1]) * _UNITS[(match[2] or "").upper()] if match else 0
    if not 1 <= size < 2**_MOST_BITS:
        raise InputError(
            f"{given[:100]} is not an amount of memory. Give a number of bytes, or an amount such as 800MB, 1.5GB or "
            "2GiB."
        )
    return int(size)


def format_memory(size: int) -> str:
    """Format an amount for messages: ``format_memory(1_500_000_000) == "1.50 GB"``."""
    if size < 10**6:
        return f"{size:,} bytes"
    return f"{size / 1e9:.2f} GB" if size >= 10**9 else f"{size / 1e6:.0f} MB"


def resident_bytes() -> int:
    """Return the resident memory of the process, in bytes."""
    import psutil

    return psutil.Process().memory_info().rss


def start_peak() -> None:
    """Reset the peak that ``peak_bytes`` returns, on Linux; elsewhere it counts from the start of the process.

    Freed memory that the allocator keeps is returned first: it would count as used, and hide what is used from then on.
    """
    give_back()
    reset_peak()


def release(device: torch.device) -> None:
    """Free unreferenced memory, before work is retried in smaller pieces."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


def device_free_bytes(device: torch.device) -> int | None:
    """Return the free memory of an accelerator, in bytes; None for devices that share the memory of the machine."""
    if device.type != "cuda":
        return None
    free, _ = torch.cuda.mem_get_info(device)
    return int(free * _DEFAULT_SHARE)


def budget_bytes(memory: int | None) -> int:
    """Return the budget of the process in bytes: `memory`, or resident memory plus most of the available memory."""
    return memory if memory is not None else resident_bytes() + int(free_bytes() * _DEFAULT_SHARE)
