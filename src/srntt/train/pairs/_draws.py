"""Random numbers of a training pair, from its place in the run alone.

Sample i of step s draws the same numbers in any process, on any device, in a batch of any size: that makes resuming
exact, and two processes see what one with twice the batch would see.
"""

import hashlib
from collections.abc import Sequence

import torch
from torch import Tensor

from srntt._shapes import Bool, Float, Int64

_NUMBERS = 96  # more than any sample draws


def generator(*place: int | str) -> torch.Generator:
    """A generator on the CPU whose state follows from its place: seed, step, sample, what for."""
    digest = hashlib.blake2b(repr(place).encode(), digest_size=8).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "little") >> 1)


class Draws:
    """Draws for n samples at once, each from its own CPU generator, so that nothing waits for an accelerator."""

    def __init__(self, streams: Sequence[torch.Generator]) -> None:
        self._streams = streams
        self._numbers = torch.stack([torch.rand(_NUMBERS, generator=stream) for stream in streams])
        self._used = 0

    def uniform(self, limits: tuple[float, float] = (0.0, 1.0), size: int = 1) -> Float[Tensor, "n _"]:
        """Evenly between two limits: n x size."""
        begin, self._used = self._used, self._used + size
        assert self._used <= _NUMBERS, "a sample draws more numbers than were made for it"
        low, high = limits
        return low + (high - low) * self._numbers[:, begin : self._used]

    def normal(self, deviation: float, size: int = 1) -> Float[Tensor, "n _"]:
        """Around zero: n x size."""
        return deviation * torch.special.ndtri(self.uniform(size=size).double().clamp(1e-7, 1 - 1e-7)).float()

    def chance(self, share: float) -> Bool[Tensor, " n"]:
        """True for about this share of the samples."""
        return self.uniform()[:, 0] < share

    def pick(self, weights: Sequence[float]) -> Int64[Tensor, " n"]:
        """An index, as often as its weight says."""
        until = torch.tensor(weights).cumsum(0)
        drawn = self.uniform()[:, 0] * until[-1]
        return torch.searchsorted(until, drawn, right=True).clamp(max=len(weights) - 1)

    def on_device(self, sample: int, device: torch.device) -> torch.Generator:
        """A generator on the device of the pictures, for one sample's noise: the same there on every run."""
        seed = torch.randint(2**62, (1,), generator=self._streams[sample])
        return torch.Generator(device).manual_seed(int(seed))
