"""Which plane holds where: by local correlation of the small picture with each plane's view of the reference."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from srntt._shapes import Bool, Float, Int
from srntt.views.aligned._homography import rescaled, scale_at, transform
from srntt.views.aligned._keypoints import ReferenceFeatures
from srntt.views.aligned._margins import at_shares
from srntt.views.aligned._planes import Plane
from srntt.views.aligned._resample import resample

_FINE, _COARSE = 9, 21  # pixels: sides of the windows that are correlated
_NOISE = (2 / 255) ** 2  # variance that counts as flat
_AGREEMENT = 0.5  # how much the planes of neighbours count against correlation
_ROUNDS = 6
_NEIGHBOURS = 5
ALIKE = 0.5  # correlation from which a place is taken for the same thing
_OUTSIDE = -1.0


@dataclass(frozen=True, eq=False)
class Seen:
    """The reference through one plane, on the grid of the small picture, and where it is inside its edges."""

    gray: Float[np.ndarray, "a b"]
    inside: Bool[np.ndarray, "a b"]

    def correlation(self, gray: Float[np.ndarray, "a b"]) -> Float[np.ndarray, "a b"]:
        """With the small picture around each place, -1 .. 1; -1 outside the reference."""
        fine, coarse = (_correlation(gray, self.gray, self.inside, side) for side in (_FINE, _COARSE))
        return np.where(self.inside, (fine + coarse) / 2, _OUTSIDE).astype(np.float32)

    def moved(self, flow: Float[np.ndarray, "a b 2"]) -> "Seen":
        """What lies at the end of a flow from each place."""
        y, x = np.indices(self.gray.shape, np.float32)
        gray = cv2.remap(self.gray, x + flow[..., 0], y + flow[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
        return Seen(gray, self.inside)


def see_through(
    plane: Plane,
    shape: tuple[int, int],
    features: ReferenceFeatures,
    size: tuple[int, int],
) -> Seen:
    """The reference as the plane places it over the small picture, sampled on a grid.

    ``shape`` is that of the grid, ``size`` that of the small picture, both as height and width.
    """
    grays, reference = [level.gray for level in features.levels], features.size
    before = shape[1] / size[1], shape[0] / size[0]
    wanted = scale_at(rescaled(plane.matrix, before), plane.points.mean(0) * before)
    enough = [gray for gray in grays if gray.shape[1] * wanted >= reference[1]]
    gray = enough[-1] if enough else grays[0]
    matrix = rescaled(plane.matrix, before, (gray.shape[1] / reference[1], gray.shape[0] / reference[0]))
    x, y = np.meshgrid(np.arange(shape[1], dtype=np.float64), np.arange(shape[0], dtype=np.float64))
    over, down, ahead = transform(matrix, x, y)
    inside = ahead & (over > -0.5) & (over < gray.shape[1] - 0.5) & (down > -0.5) & (down < gray.shape[0] - 0.5)
    inside &= at_shares(features.shown, (over + 0.5) / gray.shape[1], (down + 0.5) / gray.shape[0])
    view = resample(gray[..., None], lambda x, y: transform(matrix, x, y)[:2], (0, shape[0]), (0, shape[1]))
    return Seen(view[..., 0], inside)


def choose_planes(scores: Float[np.ndarray, "p a b"]) -> Int[np.ndarray, "a b"]:
    """The plane of the highest correlation, where neighbours count (a few rounds of iterated conditional modes)."""
    label = scores.argmax(0)
    for _ in range(_ROUNDS if len(scores) > 1 else 0):
        shares = [
            cv2.blur((label == number).astype(np.float32), (_NEIGHBOURS, _NEIGHBOURS)) for number in range(len(scores))
        ]
        label = (scores + _AGREEMENT * np.stack(shares)).argmax(0)
    return label.astype(np.int8)


def composed(seen: Sequence[Seen], label: Int[np.ndarray, "a b"]) -> Seen:
    """What each place sees through its plane."""
    return Seen(*(np.choose(label, [getattr(one, name) for one in seen]) for name in ("gray", "inside")))


def _correlation(
    one: Float[np.ndarray, "a b"], other: Float[np.ndarray, "a b"], inside: Bool[np.ndarray, "a b"], side: int
) -> Float[np.ndarray, "a b"]:
    """Normalised correlation in a square window around each place, of what lies inside."""
    weight = inside.astype(np.float32)
    count = np.maximum(_mean(weight, side), 1e-6)

    def mean(values: np.ndarray) -> np.ndarray:
        return _mean(values * weight, side) / count

    first, second = one - float(one.mean()), other - float(one.mean())
    means = mean(first), mean(second)
    product = mean(first * second) - means[0] * means[1]
    variances = [np.maximum(mean(x * x) - m * m, 0) + _NOISE for x, m in ((first, means[0]), (second, means[1]))]
    return np.clip(product / np.sqrt(variances[0] * variances[1]), -1, 1)


def _mean(values: Float[np.ndarray, "a b"], side: int) -> Float[np.ndarray, "a b"]:
    return cv2.blur(values.astype(np.float32), (side, side), borderType=cv2.BORDER_REFLECT)
