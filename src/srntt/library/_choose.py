"""The best few photographs: those that add detail where the others do not."""

from collections.abc import Sequence

import numpy as np

from srntt.library._assess import Assessed

LEAST = 0.03  #: of the picture to which a photograph must add detail
_AGAIN = 0.25  # worth of detail where a chosen photograph has it, too: a second opinion helps


def choose(assessed: Sequence[Assessed], most: int) -> list[Assessed]:
    """Choose photographs one by one, each for what it adds to those before it.

    Args:
        assessed: Photographs of the scene.
        most: Number to choose at most.
    """
    left = [one for one in assessed if one.share >= LEAST]
    chosen: list[Assessed] = []
    while left and len(chosen) < most:
        covered = np.logical_or.reduce([one.adds for one in chosen]) if chosen else np.zeros_like(left[0].adds)
        worth = [_worth(one, covered) for one in left]
        chosen.append(left.pop(int(np.argmax(worth))))
    return chosen


def _worth(one: Assessed, covered: np.ndarray) -> float:
    again = (one.adds & covered).mean()
    return float((one.adds & ~covered).mean() + _AGAIN * again) * max(0.0, float(one.placement.correlation.mean()))
