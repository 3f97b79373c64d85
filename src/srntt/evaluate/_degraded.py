"""Degradation of low-res pictures as by cameras and the web: blur, downsampling, noise, compression.

The definition is frozen, because published scores depend on it; add a new one instead of changing it.
"""

import hashlib
import io

import numpy as np
from PIL import Image

from srntt._shapes import Float, UInt8
from srntt.image import resize_pillow

BLUR = (0.4, 2.0)
"""Standard deviation of a Gaussian, in HR pixels."""
NOISE = (2.0, 10.0)
"""Standard deviation, in levels of 255."""
QUALITY = (40, 70)
"""JPEG quality, with chroma subsampled by 2."""


def degraded(picture: UInt8[np.ndarray, "H W 3"], scale: int, name: str) -> UInt8[np.ndarray, "h w 3"]:
    """Blur, downsample by Pillow's bicubic, add noise, round and compress, by amounts drawn from the name.

    They are drawn by MT19937, whose stream is frozen in NumPy, seeded with the SHA-256 of ``degraded/NAME``. JPEG
    decoders may differ by one level in some samples.
    """
    stream = np.random.RandomState(int.from_bytes(hashlib.sha256(f"degraded/{name}".encode()).digest()[:4], "big"))
    blur, noise, quality = stream.uniform(*BLUR), stream.uniform(*NOISE), stream.randint(QUALITY[0], QUALITY[1] + 1)
    blurred = np.rint(_gaussian(picture.astype(np.float64), blur)).clip(0, 255).astype(np.uint8)
    small = resize_pillow(blurred, (picture.shape[0] // scale, picture.shape[1] // scale))
    noisy = np.rint(small + stream.normal(0, noise, small.shape)).clip(0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(noisy).save(file, "JPEG", quality=int(quality), subsampling="4:2:0")
    return np.array(Image.open(file).convert("RGB"))


def _gaussian(picture: Float[np.ndarray, "H W 3"], sigma: float) -> Float[np.ndarray, "H W 3"]:
    """Blur with a separable Gaussian, truncated at three deviations, repeating the edge."""
    radius = int(np.ceil(3 * sigma))
    taps = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    taps /= taps.sum()
    for axis in (0, 1):
        around = [(radius, radius) if axis == own else (0, 0) for own in range(3)]
        windows = np.lib.stride_tricks.sliding_window_view(np.pad(picture, around, mode="edge"), len(taps), axis)
        picture = windows @ taps
    return picture
