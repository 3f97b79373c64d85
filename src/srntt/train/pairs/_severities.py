"""How severely each sample of a batch is changed: every sample draws from a stream of its own."""

from collections.abc import Sequence

import torch
from torch import Tensor

from srntt._shapes import Bool, Float, Int64
from srntt.errors import InputError

#: One for the batch, or one a sample: then a sample is the same whichever others are in its batch.
Generators = torch.Generator | Sequence[torch.Generator]

_NUMBERS = 96  # more than any sample draws


class Severities:
    """Draws for n samples at once, on the CPU, so that nothing waits for an accelerator.

    Args:
        generators: CPU generators, one a sample, or one that seeds as many.
        count: n.

    Raises:
        InputError: another number of generators than samples.
    """

    def __init__(self, generators: Generators, count: int) -> None:
        self.streams = _streams(generators, count)
        self._numbers = torch.stack([torch.rand(_NUMBERS, generator=stream) for stream in self.streams])
        self._used = 0

    def uniform(self, limits: tuple[float, float] = (0.0, 1.0), size: int = 1) -> Float[Tensor, "n _"]:
        """Evenly between two limits."""
        begin, self._used = self._used, self._used + size
        assert self._used <= _NUMBERS, "a sample draws more numbers than were made for it"
        low, high = limits
        return low + (high - low) * self._numbers[:, begin : self._used]

    def chance(self, share: float) -> Bool[Tensor, " n"]:
        """True for about this share of the samples."""
        return self.uniform()[:, 0] < share

    def pick(self, weights: Sequence[float]) -> Int64[Tensor, " n"]:
        """An index, as often as its weight says."""
        until = torch.tensor(weights).cumsum(0)
        drawn = self.uniform()[:, 0] * until[-1]
        return torch.searchsorted(until, drawn, right=True).clamp(max=len(weights) - 1)

    def on_device(self, sample: int, device: torch.device) -> torch.Generator:
        """A generator beside the pictures, for one sample's noise: the same there on every run."""
        seed = torch.randint(2**62, (1,), generator=self.streams[sample])
        return torch.Generator(device).manual_seed(int(seed))


def _streams(generators: Generators, count: int) -> list[torch.Generator]:
    if isinstance(generators, torch.Generator):
        seeds = torch.randint(2**62, (count,), generator=generators, device=generators.device)
        return [torch.Generator().manual_seed(seed) for seed in seeds.tolist()]
    if len(generators) != count:
        raise InputError(f"{len(generators)} generators for {count} samples. Give one for the batch, or one a sample.")
    return list(generators)
