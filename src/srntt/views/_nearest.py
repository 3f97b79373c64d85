"""The nearest descriptors, the same on any number of threads."""

import torch
from torch import Tensor

from srntt._shapes import Float, Int64

_STEPS = 128  # of a descriptor's values: products are whole numbers below 2**24, which float32 adds exactly
_AT_ONCE = 2**22  # products


def in_steps(descriptor: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
    """Unit descriptors in whole numbers, for `nearest`."""
    return descriptor.mul(_STEPS).round()


def nearest(queries: Float[Tensor, "d n"], keys: Float[Tensor, "d m"]) -> Int64[Tensor, " n"]:
    """Number of the key of the largest product with each query, the first of equal ones; both as `in_steps`."""
    rows = max(1, _AT_ONCE // keys.shape[1])
    found = torch.empty(queries.shape[1], dtype=torch.int64, device=keys.device)
    products = keys.new_empty(min(rows, len(found)), keys.shape[1])  # new ones might not fit the gaps of freed ones
    for some, place in zip(queries.split(rows, 1), found.split(rows), strict=True):
        place.copy_(torch.mm(some.T, keys, out=products[: len(place)]).argmax(1))
    return found
