"""Two sources of pairs in one run."""

from dataclasses import dataclass

import torch

from srntt.data import Pairs
from srntt.train.pairs._draws import generator
from srntt.train.pairs._pair_folder import PairFolder
from srntt.train.pairs._pairs import PhotographPairs


@dataclass(frozen=True)
class MixedPairs:
    """Some steps with ready-made pairs, the others with pairs made from photographs.

    Attributes:
        made: from photographs.
        ready: a folder of ready-made pairs.
        share: of the steps, with ready-made pairs.
    """

    made: PhotographPairs
    ready: PairFolder
    share: float

    def draw(self, seed: int, step: int, samples: range, with_references: bool = True) -> Pairs:
        """Some samples of a step's batch; all samples of a step are from one source."""
        drawn = float(torch.rand((), generator=generator(seed, step, "source")))
        ready = drawn < self.share and (self.ready.has_references or not with_references)
        return (self.ready if ready else self.made).draw(seed, step, samples, with_references)
