"""A photograph to what is stored of it: a global descriptor, and its most telling keypoints."""

from dataclasses import dataclass

import cv2
import numpy as np

from srntt._shapes import Float, Int, Shaped, UInt8
from srntt.image import Picture
from srntt.library._codebook import codebook, unit
from srntt.views.aligned import Keypoints, detect, gray_at_most

KEPT = 800  #: keypoints of a photograph, at most
MOST = 2000  # keypoints that a global descriptor is made of, at most
_SEARCHED, _GLOBAL = 512, 320  # pixels of the longer side for keypoints, and for the global descriptor
_VERY_SMALL = 200  # pixels of the longer side
_STEPS = 400  # of the values of a descriptor, which are below 0.3
_SHARE = 2**16 - 1
_POINT = 4  # bytes
_LEAST_SIDE = 16  # pixels; smaller pictures have no keypoints


@dataclass(frozen=True, eq=False)
class PackedKeypoints:
    """Keypoints as they are stored.

    Attributes:
        points: (x, y) as shares of width and height, 0..65535.
        codes: Encoded descriptors.
    """

    points: Shaped[np.ndarray, "n 2"]
    codes: UInt8[np.ndarray, "n parts"]

    def pack(self) -> bytes:
        """Return the bytes to store, four for the point of each, then its code."""
        points = self.points.astype("<u2").view(np.uint8).reshape(-1, _POINT)
        return np.concatenate([points, self.codes], axis=1).tobytes()

    @classmethod
    def unpack(cls, content: bytes) -> "PackedKeypoints":
        """Read what `pack` returned. Any content gives some keypoints, but no more than srntt writes."""
        row = _POINT + codebook().parts
        count = min(KEPT, len(content) // row)
        rows = np.frombuffer(content, np.uint8, count * row).reshape(count, row)
        points = np.ascontiguousarray(rows[:, :_POINT]).view("<u2").astype(np.uint16)
        return cls(points, rows[:, _POINT:])

    def positions(self, size: tuple[int, int]) -> Float[np.ndarray, "n 2"]:
        """Return the points (x, y) in pixels of a picture of this height and width."""
        extent = np.array([size[1], size[0]], np.float32)
        return (self.points / np.float32(_SHARE) * extent - 0.5).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Described:
    """What is stored of a photograph.

    Attributes:
        size: Height and width.
        descriptor: Global descriptor.
        keypoints: Keypoints.
    """

    size: tuple[int, int]
    descriptor: Int[np.ndarray, " d"]
    keypoints: PackedKeypoints


def describe(picture: Picture) -> Described:
    """Describe a photograph of any size."""
    size = picture.height, picture.width
    gray = gray_at_most(picture.color, _SEARCHED)
    found = _detected(gray, size, KEPT)
    shares = (found.points + 0.5) / np.array([size[1], size[0]], np.float32)
    points = np.rint(np.clip(shares, 0, 1) * _SHARE).astype(np.uint16)
    packed = PackedKeypoints(points, codebook().encode(found.descriptors))
    return Described(size, quantised(_descriptor(gray)), packed)


def global_descriptor(pixels: Shaped[np.ndarray, "H W c"]) -> Float[np.ndarray, " d"]:
    """Return the global descriptor of a small picture, of unit length; a very small one is also enlarged for it."""
    gray = gray_at_most(pixels, _SEARCHED)
    own, longest = _descriptor(gray), max(gray.shape)
    if longest >= _VERY_SMALL:
        return own
    times = _GLOBAL / longest
    return unit(own + _descriptor(cv2.resize(gray, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC)))


def quantised(descriptor: Float[np.ndarray, " d"]) -> Int[np.ndarray, " d"]:
    """Round a descriptor to a byte for each value."""
    return np.clip(np.rint(descriptor * _STEPS), -127, 127).astype(np.int8)


def _descriptor(gray: UInt8[np.ndarray, "h w"]) -> Float[np.ndarray, " d"]:
    small = gray_at_most(gray[..., None], _GLOBAL)
    return codebook().aggregate(_detected(small, small.shape, MOST).descriptors)


def _detected(gray: UInt8[np.ndarray, "h w"], size: tuple[int, ...], most: int) -> Keypoints:
    """Keypoints in pixels of a picture of this height and width."""
    if min(gray.shape) < _LEAST_SIDE:
        return Keypoints.none()
    return detect(gray, (size[0], size[1]), most)
