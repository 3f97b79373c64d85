"""SIFT keypoints of a picture at several sizes: what geometry is estimated from."""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
import torch
from torch import Tensor

from srntt._shapes import Bool, Complex, Float, Shaped, UInt8
from srntt.image import enlarge, unit_floats
from srntt.views.aligned._margins import filled, find_margins
from srntt.views.aligned._opencv import deterministic

DETECTED = 1024  # pixels of the longer side at which detection begins; larger pictures are reduced first
_SMALLEST = 24  # pixels of the shorter side at which it ends
_STEP = 2**0.5
MOST_POINTS = 3000
_CONTRAST, _EDGE = 0.01, 20.0
_FLAT = 2 / 255  # range of values below which a picture holds nothing to find
_UNIT = 512  # length of a descriptor: dot products are whole numbers below 2**24, which float32 adds exactly
_SMALL = 120  # pixels of the shorter side below which a small picture is enlarged by 4 instead of 2
WORKED = 800  # pixels of the longer side to which a small picture is reduced first, if it is larger
_LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True, eq=False)
class Keypoints:
    """Points of one picture at one size.

    Attributes:
        points: (x, y) in pixels of the whole picture; whole numbers are centres of pixels.
        descriptors: square roots of SIFT descriptors (Arandjelovic and Zisserman 2012), of length 512, rounded.
        frames: size in pixels of the whole picture, and direction, as complex numbers.
    """

    points: Float[np.ndarray, "n 2"]
    descriptors: UInt8[np.ndarray, "n 128"]
    frames: Complex[np.ndarray, " n"]

    @classmethod
    def none(cls) -> "Keypoints":
        """None at all."""
        return cls(np.zeros((0, 2), np.float32), np.zeros((0, 128), np.uint8), np.zeros(0, np.complex64))


@dataclass(frozen=True, eq=False)
class Level:
    """A reference in grey, at one size; its keypoints, in pixels of its full size, are found when first asked for."""

    gray: UInt8[np.ndarray, "_ _"]
    size: tuple[int, int]

    @cached_property
    def keypoints(self) -> Keypoints:
        """Its keypoints, in pixels of the reference."""
        return detect(self.gray, self.size)

    @property
    def is_searched(self) -> bool:
        """Whether its keypoints were found already."""
        return "keypoints" in vars(self)


@dataclass(frozen=True, eq=False, repr=False)
class ReferenceFeatures:
    """What alignment needs of a reference: found once, whatever it is aligned with.

    Attributes:
        size: height and width of the reference.
        levels: the reference, at most `DETECTED` pixels wide or high, and ever smaller by the square root of 2.
        shown: where the first of these is no margin, as in the corners of a turned picture.
    """

    size: tuple[int, int]
    levels: tuple[Level, ...]
    shown: Bool[np.ndarray, "_ _"]

    def __repr__(self) -> str:
        return f"<ReferenceFeatures of {self.size[1]} x {self.size[0]} pixels at {len(self.levels)} sizes>"


@dataclass(frozen=True, eq=False)
class TargetFeatures:
    """What alignment needs of a small picture: itself in [0, 1], at most `WORKED` pixels wide or high, and its size.

    Keypoints are found once, whatever is aligned with it.
    """

    size: tuple[int, int]
    picture: Float[Tensor, "3 a b"]

    @cached_property
    def gray(self) -> Float[np.ndarray, "a b"]:
        """The picture in grey."""
        return _gray(self.picture.permute(1, 2, 0).contiguous().numpy())

    @cached_property
    def keypoints(self) -> Keypoints:
        """Its keypoints, in pixels of the small picture."""
        return self._enlarged(2)

    @cached_property
    def more_keypoints(self) -> Keypoints:
        """Those of a small picture enlarged further, where there are few."""
        factor = enlargement((self.picture.shape[1], self.picture.shape[2]))
        return self.keypoints if factor == 2 else self._enlarged(factor)

    def _enlarged(self, factor: int) -> Keypoints:
        large = enlarge(self.picture[None].clamp(0, 1), factor)[0].permute(1, 2, 0).contiguous().numpy()
        return detect(stretched(_gray(large)), self.size)


def find_features(pixels: Shaped[np.ndarray, "H W c"]) -> ReferenceFeatures:
    """Prepare a reference for alignment: RGB or grey, uint8, uint16, or floats in [0, 1]."""
    height, width = pixels.shape[:2]
    with deterministic():
        gray = gray_at_most(pixels, DETECTED)
        shown = find_margins(gray)
        grays = _pyramid(filled(gray[..., None], shown)[..., 0])
    return ReferenceFeatures((height, width), tuple(Level(each, (height, width)) for each in grays), shown)


def find_target_features(low_res: Float[Tensor, "3 h w"]) -> TargetFeatures:
    """Prepare a small picture, in [0, 1], for alignment."""
    with deterministic():
        working = _at_most(low_res.permute(1, 2, 0).contiguous().numpy(), WORKED)
    picture = torch.from_numpy(working).permute(2, 0, 1).contiguous()
    return TargetFeatures((low_res.shape[1], low_res.shape[2]), picture)


def enlargement(size: tuple[int, int]) -> int:
    """How many times larger a small picture of this size is searched at most."""
    return 4 if min(size) < _SMALL else 2


def size_at_most(size: tuple[int, int], longest: int) -> tuple[int, int]:
    """Height and width of a picture that is reduced, if necessary, to so many pixels wide or high."""
    times = min(1.0, longest / max(size))
    return max(1, round(size[0] * times)), max(1, round(size[1] * times))


def gray_at_most(pixels: Shaped[np.ndarray, "H W c"], longest: int) -> UInt8[np.ndarray, "_ _"]:
    """A picture in grey, its range of values stretched, at most so many pixels wide or high."""
    return stretched(_gray(_at_most(pixels, longest)))


def detect(gray: UInt8[np.ndarray, "h w"], size: tuple[int, int], most: int = MOST_POINTS) -> Keypoints:
    """SIFT (Lowe 2004) with square-rooted descriptors; positions in pixels of the picture at ``size``.

    At most so many points: those of the highest contrast.
    """
    sift = cv2.SIFT_create(  # pyright: ignore[reportAttributeAccessIssue]
        nfeatures=most, contrastThreshold=_CONTRAST, edgeThreshold=_EDGE, enable_precise_upscale=True
    )
    found, descriptors = sift.detectAndCompute(gray, None)
    if descriptors is None or not found:
        return Keypoints.none()
    times = np.array([size[1] / gray.shape[1], size[0] / gray.shape[0]])
    points = (np.array([point.pt for point in found]) + 0.5) * times - 0.5
    roots = np.sqrt(descriptors / np.maximum(descriptors.sum(1, keepdims=True), 1e-6))
    rounded = np.minimum(np.rint(roots * _UNIT), 255).astype(np.uint8)
    directions = np.exp(1j * np.radians([point.angle for point in found]))
    frames = directions * [point.size for point in found] * times.mean()
    return Keypoints(points.astype(np.float32), rounded, frames.astype(np.complex64))


def stretched(gray: Float[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w"]:
    """To 8 bits, the range of values stretched: exposures become comparable, and 16 bits in the dark are not lost."""
    low, high = np.percentile(gray, (0.5, 99.5))
    if not high - low > _FLAT:
        return np.zeros(gray.shape, np.uint8)
    return np.rint(np.clip((gray - low) / (high - low), 0, 1) * 255).astype(np.uint8)


def _gray(pixels: Shaped[np.ndarray, "h w c"]) -> Float[np.ndarray, "h w"]:
    values = unit_floats(pixels)
    return values[..., 0] if values.shape[2] == 1 else values @ np.array(_LUMA, np.float32)


def _at_most(pixels: Shaped[np.ndarray, "h w c"], longest: int) -> Shaped[np.ndarray, "_ _ c"]:
    height, width = size_at_most((pixels.shape[0], pixels.shape[1]), longest)
    if (height, width) == pixels.shape[:2]:
        return pixels
    return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA).reshape(height, width, -1)


def _pyramid(gray: UInt8[np.ndarray, "h w"]) -> list[UInt8[np.ndarray, "_ _"]]:
    """Each from the largest, so that no two reductions add up."""
    levels, times = [gray], 1 / _STEP
    while min(gray.shape) * times >= _SMALLEST:
        size = round(gray.shape[1] * times), round(gray.shape[0] * times)
        levels.append(cv2.resize(gray, size, interpolation=cv2.INTER_AREA))
        times /= _STEP
    return levels
