"""Files to 8-bit RGB, as protocols take pictures, and on to what metrics take."""

from pathlib import Path

import numpy as np

from srntt._shapes import Float, UInt8
from srntt.image import load


def read_rgb(file: Path) -> UInt8[np.ndarray, "H W 3"]:
    """A picture in 8-bit RGB, whatever its file holds.

    Raises:
        PictureError: cannot be read.
    """
    rgb = load(file).to_8bit().rgb().numpy()
    return np.ascontiguousarray(np.rint(rgb * 255).astype(np.uint8).transpose(1, 2, 0))


def as_unit(picture: UInt8[np.ndarray, "H W 3"]) -> Float[np.ndarray, "3 H W"]:
    """8-bit samples to float32 in [0, 1], channels first, as metrics take them."""
    return np.ascontiguousarray(picture.transpose(2, 0, 1).astype(np.float32) / np.float32(255))
