"""Photographs of two scenes."""

from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from views.aligned.scenes import LOW, low_res_to_scene, reference_to_scene, scene, seen

__all__ = ["LOW", "save", "write_album"]

_VIEWS = {  # scene, pixels of the scene for one of the photograph, degrees of turn and tilt
    "near.png": (1, 2.0, 4.0, 0.0),
    "turned.png": (1, 2.2, 20.0, 5.0),
    "other.png": (2, 2.0, 0.0, 0.0),
}


def write_album(folder: Path) -> None:
    """Write sharp views, the small picture enlarged, and one of another scene."""
    for name, (number, step, turn, tilt) in _VIEWS.items():
        size = (384, 512)
        save(seen(scene(number), reference_to_scene(size, step, turn, tilt), size, 2), folder / name)
    blurred = seen(scene(1), low_res_to_scene(), LOW, 8)
    save(cv2.resize(blurred, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC), folder / "enlarged.png")


def save(pixels: np.ndarray, path: Path) -> None:
    """Write a picture, creating its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
