"""Pictures made for the tests."""

import io

import numpy as np
from PIL import Image


def waves(height: int, width: int, channels: int, dtype=np.uint8) -> np.ndarray:
    """(h, w, c) smooth colours over the full range, different in every channel and every byte."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [(np.sin(x / 7 + k) * np.cos(y / 5 - k) + 1) / 2 for k in range(channels)]
    return np.rint(np.stack(planes, axis=2) * np.iinfo(dtype).max).astype(dtype)


def encoded(image: Image.Image | np.ndarray, form: str, **options) -> bytes:
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image[:, :, 0] if image.shape[2:] == (1,) else image)
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()
