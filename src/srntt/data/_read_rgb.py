"""Reading of pictures as 8-bit RGB, the input of protocols, and conversion to the input of metrics."""

from pathlib import Path

import numpy as np

from srntt._shapes import Float, UInt8
from srntt.image import Limits, load


def read_rgb(file: Path, limits: Limits = Limits()) -> UInt8[np.ndarray, "H W 3"]:  # noqa: B008 (frozen)
    """Read a picture and convert it to 8-bit RGB; raise PictureError if it cannot be read."""
    rgb = load(file, limits=limits).to_8bit().rgb().numpy()
    return np.ascontiguousarray(np.rint(rgb * 255).astype(np.uint8).transpose(1, 2, 0))


def as_unit(picture: UInt8[np.ndarray, "H W 3"]) -> Float[np.ndarray, "3 H W"]:
    """Convert 8-bit samples to float32 in [0, 1], channels first, the input of metrics."""
    return np.ascontiguousarray(picture.transpose(2, 0, 1).astype(np.float32) / np.float32(255))
