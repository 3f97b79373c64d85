"""Keypoints of the small picture and of the reference that match, and which of these matches agree with each other."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from srntt._shapes import Bool, Complex, Float, Int64, UInt8
from srntt.views.aligned._keypoints import Keypoints

_RATIO = 0.85  # of distances to the best and second best point, above which a match is ambiguous (Lowe 2004)
_LOOSE_RATIO = 0.9  # the same for matches that must also agree with others
_CELLS = 256  # along the longer side of the reference: in one of them, matches of the same point are the same
_OFF, _OFF_EACH = 3.0, 0.25  # pixels of the small picture by which a match may miss the place that another one
# predicts: for any two, and for each pixel between them
_TURNED, _RESIZED = 30.0, 2**0.5  # degrees, and times, by which they may differ
_VOTES = 4  # other matches that a match must agree with
_VOTERS, _AT_ONCE = 1024, 256  # matches that vote at most; matches that are voted on at once


class Matches(NamedTuple):
    """Points that match.

    Attributes:
        mine: (x, y) in the small picture.
        theirs: (x, y) in the reference.
        changes: size and direction of the reference's keypoint relative to that of the small picture.
    """

    mine: Float[np.ndarray, "n 2"]
    theirs: Float[np.ndarray, "n 2"]
    changes: Complex[np.ndarray, " n"]

    def chosen(self, index: Int64[np.ndarray, " k"] | Bool[np.ndarray, " n"] | slice) -> "Matches":
        """Some of them."""
        return Matches(*(each[index] for each in self))

    def once_each(self) -> "Matches":
        """Without repetitions of the same points at coarser sizes, of which a few would outvote many points."""
        cell = max(np.ptp(self.theirs, 0).max(initial=0) / _CELLS, 1.0) if len(self.theirs) else 1.0
        cells = np.concatenate([self.mine * 2, self.theirs / cell], 1)
        return self.chosen(np.sort(np.unique(np.rint(cells), axis=0, return_index=True)[1]))

    def agreed(self) -> "Matches":
        """Those that agree with several others: each predicts by its size and direction where all others lie.

        Pose clustering (Lowe 2004). Where one match of twenty is right, an estimator that draws four hardly ever draws
        four right ones; of these matches most are.
        """
        voters = self.once_each()
        voters = voters.chosen(np.linspace(0, len(voters.mine) - 1, min(_VOTERS, len(voters.mine))).round().astype(int))
        blocks = range(0, len(self.mine), _AT_ONCE)
        votes = [_votes(self.chosen(slice(first, first + _AT_ONCE)), voters) for first in blocks]
        return self.chosen(np.concatenate(votes) >= _VOTES) if votes else self


def match_keypoints(target: Keypoints, levels: Sequence[Keypoints], *, loosely: bool = False) -> Matches:
    """Points of the small picture, and of the reference, that are each other's nearest and unambiguous, or nearly so.

    Each level is matched by itself: the same point at another size is no rival.
    """
    found = [Matches(target.points[:0], target.points[:0], target.frames[:0])]
    for level in levels:
        own, other = match_descriptors(target.descriptors, level.descriptors, _LOOSE_RATIO if loosely else _RATIO)
        found.append(Matches(target.points[own], level.points[other], level.frames[other] / target.frames[own]))
    return Matches(*map(np.concatenate, zip(*found, strict=True)))


def match_descriptors(
    one: UInt8[np.ndarray, "n 128"], other: UInt8[np.ndarray, "m 128"], ratio: float = _RATIO
) -> tuple[Int64[np.ndarray, " k"], Int64[np.ndarray, " k"]]:
    """Numbers of those that are each other's nearest; sums of whole numbers, so the same on any number of threads.

    A match is ambiguous above a ratio of the distances to the nearest and the second nearest.
    """
    if min(len(one), len(other)) < 2:  # there is no second nearest
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    queries, keys = (torch.from_numpy(descriptors).float() for descriptors in (one, other))
    closeness = _closeness(queries, keys).numpy()
    rows = np.arange(len(queries))
    index = closeness.argmax(1)
    best = closeness[rows, index]
    closeness[rows, index] = -np.inf
    own = _squares(queries).numpy()
    nearest, second = (own - 2 * close for close in (best, closeness.max(1)))
    clear = np.flatnonzero(nearest < ratio**2 * second)
    if not len(clear):
        return clear, clear
    back = _closeness(keys[torch.from_numpy(index[clear])], queries).numpy().argmax(1)
    chosen = clear[back == clear]
    return chosen, index[chosen]


def _votes(matches: Matches, voters: Matches) -> Int64[np.ndarray, " n"]:
    """With how many voters each match agrees."""
    mine, theirs = _apart(matches.mine, voters.mine), _apart(matches.theirs, voters.theirs)
    changes, distance = matches.changes[:, None], np.abs(mine)
    missed = np.abs(theirs - changes * mine) / np.abs(changes)
    change = voters.changes / changes
    size = np.abs(change)
    agrees = (missed < _OFF + _OFF_EACH * distance) & (distance > 1)  # the same point is no witness
    agrees &= (np.abs(np.angle(change)) < np.radians(_TURNED)) & (size < _RESIZED) & (size > 1 / _RESIZED)
    return agrees.sum(1)


def _apart(points: Float[np.ndarray, "n 2"], others: Float[np.ndarray, "m 2"]) -> Complex[np.ndarray, "n m"]:
    """From each point to each of the others, as complex numbers."""
    x, y = (others[:, axis] - points[:, axis, None] for axis in (0, 1))
    return x + 1j * y


def _closeness(one: Float[Tensor, "n d"], other: Float[Tensor, "m d"]) -> Float[Tensor, "n m"]:
    """Minus half the squared distances, but for what is the same along a row."""
    return (one @ other.T).sub_(_squares(other) / 2)


def _squares(vectors: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
    return vectors.square().sum(1)
