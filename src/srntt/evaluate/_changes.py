"""Degradation of references, to measure how it affects quality: noise, scale, rotation and exposure."""

import hashlib
import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from srntt._shapes import Float, UInt8
from srntt.errors import InputError
from srntt.image import resize_pillow

ChangeKind = Literal["noise", "scale", "rotate", "exposure"]
CHANGE_KINDS: tuple[ChangeKind, ...] = get_args(ChangeKind)
_RANGES: dict[ChangeKind, tuple[float, float]] = {
    "noise": (0, 255),
    "scale": (1 / 64, 8),
    "rotate": (-360, 360),
    "exposure": (-16, 16),
}
_EXACTLY: dict[ChangeKind, str] = {
    "noise": (
        "Gaussian noise of this standard deviation on the 255 scale, independent in every sample, from "
        "numpy.random.default_rng(first 8 bytes of the SHA-256 of the picture's samples), rounded and clipped to 8 bits"
    ),
    "scale": "both sides times this, rounded, by Pillow's bicubic on 8 bits",
    "rotate": (
        "degrees counter-clockwise about the centre on a canvas that contains all of it, bicubic (a = -0.75), mirrored "
        "beyond the edges, rounded and clipped to 8 bits; exact for quarter turns"
    ),
    "exposure": "stops: linear light of sRGB times two to the power of this, clipped, back to sRGB of 8 bits",
}


@dataclass(frozen=True)
class ReferenceChange:
    """Change applied to every reference.

    Attributes:
        what: Kind of change.
        value: Its amount; `as_json` contains the definition.
    """

    what: ChangeKind
    value: int | float

    def __post_init__(self) -> None:
        least, most = _RANGES[self.what]
        if not (math.isfinite(self.value) and least <= self.value <= most):
            raise InputError(f"--ref-{self.what} {self.value:g}: the value must be from {least:g} to {most:g}.")

    def __str__(self) -> str:
        return f"{self.what} {self.value:g}"

    def as_json(self) -> dict[str, Any]:
        """Return kind, amount and definition of the change."""
        return {"what": self.what, "value": self.value, "exactly": _EXACTLY[self.what]}

    def apply(self, picture: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "H W 3"]:
        """Return the changed reference.

        Raises:
            InputError: The result would be too small.
        """
        changes = {"noise": _noisy, "scale": _scaled, "rotate": _rotated, "exposure": _exposed}
        return changes[self.what](picture, float(self.value))


def _noisy(picture: UInt8[np.ndarray, "h w 3"], deviation: float) -> UInt8[np.ndarray, "h w 3"]:
    """Add noise from the same draw for every deviation, so that only its amplitude varies along a curve."""
    seed = int.from_bytes(hashlib.sha256(np.ascontiguousarray(picture).tobytes()).digest()[:8], "big")
    return _bytes(picture + deviation * np.random.default_rng(seed).standard_normal(picture.shape))


def _scaled(picture: UInt8[np.ndarray, "h w 3"], factor: float) -> UInt8[np.ndarray, "H W 3"]:
    height, width = (round(extent * factor) for extent in picture.shape[:2])
    if min(height, width) < 4:
        raise InputError(
            f"--ref-scale {factor:g} leaves {width}x{height} of a reference of {picture.shape[1]}x{picture.shape[0]}; "
            "at least 4x4 are needed. Give a larger factor."
        )
    return resize_pillow(picture, (height, width))


def _rotated(picture: UInt8[np.ndarray, "h w 3"], degrees: float) -> UInt8[np.ndarray, "H W 3"]:
    if degrees % 90 == 0:
        return np.ascontiguousarray(np.rot90(picture, int(degrees // 90) % 4))
    import torch
    from torch.nn.functional import grid_sample

    height, width = picture.shape[:2]
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    rows = math.ceil(abs(width * sin) + abs(height * cos))
    columns = math.ceil(abs(width * cos) + abs(height * sin))
    v, u = np.meshgrid(np.arange(rows) - (rows - 1) / 2, np.arange(columns) - (columns - 1) / 2, indexing="ij")
    x, y = (u * cos - v * sin) * 2 / width, (u * sin + v * cos) * 2 / height  # -1 and 1 are the outer edges
    source = torch.from_numpy(picture.transpose(2, 0, 1).astype(np.float64))[None]
    grid = torch.from_numpy(np.stack([x, y], axis=-1))[None]
    turned = grid_sample(source, grid, mode="bicubic", padding_mode="reflection", align_corners=False)
    return _bytes(turned[0].numpy().transpose(1, 2, 0))


def _exposed(picture: UInt8[np.ndarray, "h w 3"], stops: float) -> UInt8[np.ndarray, "h w 3"]:
    """Scale linear light by a lookup table of 256 levels (IEC 61966-2-1)."""
    level = np.arange(256) / 255
    light = np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4) * 2.0**stops
    light = np.clip(light, 0, 1)
    back = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return _bytes(back * 255)[picture]


def _bytes(samples: Float[np.ndarray, "..."]) -> UInt8[np.ndarray, "..."]:
    return np.ascontiguousarray(np.rint(np.clip(samples, 0, 255)).astype(np.uint8))
