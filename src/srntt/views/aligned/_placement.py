"""How a reference is placed against a small picture: its planes, and which of them holds where."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import cv2
import numpy as np

from srntt._shapes import Bool, Float, Int
from srntt.views.aligned._homography import jacobians, transform
from srntt.views.aligned._planes import Plane


class Located(NamedTuple):
    """Where positions of the small picture lie in the reference, in its pixels, and whether inside it and alike."""

    x: Float[np.ndarray, "*n"]
    y: Float[np.ndarray, "*n"]
    valid: Bool[np.ndarray, "*n"]


@dataclass(frozen=True, eq=False, repr=False)
class Placement:
    """Planes of a reference, and where in the small picture each of them holds.

    Attributes:
        size: height and width of the small picture.
        reference: height and width of the reference.
        planes: homographies from the small picture to the reference.
        label: number of the plane at each place, on a grid over the small picture (its own, or a coarser one).
        flow: (x, y), in pixels of the small picture, to where each place lies on its plane.
        alike: where reference and small picture look alike.
        correlation: how much, -1 .. 1.
    """

    size: tuple[int, int]
    reference: tuple[int, int]
    planes: tuple[Plane, ...]
    label: Int[np.ndarray, "a b"]
    flow: Float[np.ndarray, "a b 2"]
    alike: Bool[np.ndarray, "a b"]
    correlation: Float[np.ndarray, "a b"]

    def __repr__(self) -> str:
        return f"<Placement: {self.describe()}>"

    def locate(self, x: Float[np.ndarray, "h w"], y: Float[np.ndarray, "h w"]) -> Located:
        """Positions (x, y) of the small picture, in the reference."""
        across, down = self._cells(x, y)
        found_x, found_y, valid = self._through(x, y, across, down)
        valid &= _sampled(self.alike, across, down) >= 0.5
        height, width = self.reference
        valid &= (found_x > -0.5) & (found_x < width - 0.5) & (found_y > -0.5) & (found_y < height - 0.5)
        return Located(found_x, found_y, valid)

    def positions(
        self, x: Float[np.ndarray, "h w"], y: Float[np.ndarray, "h w"]
    ) -> tuple[Float[np.ndarray, "h w"], Float[np.ndarray, "h w"]]:
        """As `locate`, without the question whether they are valid."""
        return self._through(x, y, *self._cells(x, y))[:2]

    @property
    def coverage(self) -> float:
        """Share of the small picture for which the reference holds something."""
        return float(self.alike.mean())

    @property
    def scale(self) -> float:
        """Pixels of the reference for one of the small picture: the median where it holds something."""
        return float(np.median(np.sqrt(np.linalg.det(self._frames()))))

    @property
    def turn(self) -> float:
        """Degrees, -180 .. 180, by which the reference is turned clockwise, in the median."""
        frames = self._frames()
        sine, cosine = frames[:, 1, 0] - frames[:, 0, 1], frames[:, 0, 0] + frames[:, 1, 1]
        length = np.hypot(sine, cosine)
        return float(np.degrees(np.arctan2(np.median(sine / length), np.median(cosine / length))))

    @property
    def used_planes(self) -> int:
        """Number of planes that hold somewhere."""
        return len(np.unique(self.label[self.alike]))

    def describe(self, scale: int = 4) -> str:
        """For people: ``same scene, 2.9x larger, turned 12 degrees, 3 planes; covers 61% of the picture``."""
        times, turn = self.scale / scale, round(self.turn)
        parts = ["same scene"]
        if not 0.9 < times < 1.1:
            parts.append(f"{times:.1f}x larger" if times > 1 else f"{1 / times:.1f}x smaller")
        if turn:
            angle = "1 degree" if abs(turn) == 1 else f"{abs(turn)} degrees"
            parts.append(f"turned {angle} {'clockwise' if turn > 0 else 'anticlockwise'}")
        parts.append("1 plane" if self.used_planes == 1 else f"{self.used_planes} planes")
        return f"{', '.join(parts)}; covers {self.coverage:.0%} of the picture"

    @cached_property
    def _labels(self) -> list[int]:
        """Numbers of the planes that hold somewhere in the grid."""
        return np.unique(self.label).tolist()

    def _cells(self, x: np.ndarray, y: np.ndarray) -> tuple[Float[np.ndarray, "h w"], Float[np.ndarray, "h w"]]:
        """Positions of the small picture in the grid."""
        across = (x + 0.5) * (self.label.shape[1] / self.size[1]) - 0.5
        down = (y + 0.5) * (self.label.shape[0] / self.size[0]) - 0.5
        return across.astype(np.float32), down.astype(np.float32)

    def _through(
        self, x: np.ndarray, y: np.ndarray, across: np.ndarray, down: np.ndarray
    ) -> tuple[Float[np.ndarray, "h w"], Float[np.ndarray, "h w"], Bool[np.ndarray, "h w"]]:
        """Where positions lie through their planes, and whether on the near side of the horizon."""
        flow = cv2.remap(self.flow, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        x, y = x + flow[..., 0], y + flow[..., 1]
        found = transform(self.planes[self._labels[0]].matrix, x, y)
        if len(self._labels) == 1:
            return found
        label = self._label_at(across, down)
        for number in self._labels[1:]:
            chosen = label == number
            for whole, part in zip(found, transform(self.planes[number].matrix, x[chosen], y[chosen]), strict=True):
                whole[chosen] = part
        return found

    def _label_at(self, across: np.ndarray, down: np.ndarray) -> Int[np.ndarray, "h w"]:
        """The plane with the largest share of the places around, so that seams are smooth at any scale."""
        shares = [_sampled(self.label == number, across, down) for number in self._labels]
        return np.array(self._labels)[np.argmax(shares, 0)]

    def grid(self) -> tuple[Float[np.ndarray, "a b"], Float[np.ndarray, "a b"]]:
        """Where the places of the grid lie, (x, y) in pixels of the small picture."""
        y, x = (
            (index + 0.5) * (extent / places) - 0.5
            for index, extent, places in zip(np.indices(self.label.shape), self.size, self.label.shape, strict=True)
        )
        return x, y

    def _frames(self) -> Float[np.ndarray, "n 2 2"]:
        label, x, y = (of[self.alike] for of in (self.label, *self.grid()))
        found = [
            jacobians(self.planes[number].matrix, x[label == number], y[label == number])
            for number in np.unique(label).tolist()
        ]
        return np.concatenate(found)


def _sampled(mask: Bool[np.ndarray, "a b"], across: np.ndarray, down: np.ndarray) -> Float[np.ndarray, "h w"]:
    return cv2.remap(mask.astype(np.float32), across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
