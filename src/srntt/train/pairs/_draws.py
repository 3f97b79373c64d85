"""Random numbers of a training pair, from its place in the run alone.

Sample i of step s draws the same numbers in any process, on any device, in a batch of any size: that makes resuming
exact, and two processes see what one with twice the batch would see.
"""

import hashlib

import torch
from torch import Tensor

from srntt._shapes import Bool, Float

_NUMBERS = 160  # more than any pair draws


def generator(*place: int | str) -> torch.Generator:
    """A generator on the CPU whose state follows from its place: seed, step, sample, what for."""
    digest = hashlib.blake2b(repr(place).encode(), digest_size=8).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "little") >> 1)


class Draws:
    """Draws for n samples at once, each from its own stream.

    Args:
        places: of the samples.
    """

    def __init__(self, places: list[tuple[int, ...]]) -> None:
        self._numbers = torch.stack([torch.rand(_NUMBERS, generator=generator(*place)) for place in places])
        self._used = 0

    def uniform(self, low: float = 0.0, high: float = 1.0, size: int = 1) -> Float[Tensor, "n _"]:
        """Evenly between two bounds: n x size."""
        begin, self._used = self._used, self._used + size
        assert self._used <= _NUMBERS, "a pair draws more numbers than were made for it"
        return low + (high - low) * self._numbers[:, begin : self._used]

    def normal(self, deviation: float, size: int = 1) -> Float[Tensor, "n _"]:
        """Around zero: n x size."""
        return deviation * torch.special.ndtri(self.uniform(size=size).double().clamp(1e-7, 1 - 1e-7)).float()

    def chance(self, share: float) -> Bool[Tensor, "n"]:
        """True for about that share of the samples."""
        return self.uniform()[:, 0] < share
