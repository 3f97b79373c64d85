"""Preprocessing of pictures for pixel metrics: rounding to 8 bits, cropping, and conversion to luma."""

from typing import Literal, get_args

import numpy as np

from srntt._shapes import Float
from srntt.errors import InputError

LumaSpan = Literal["studio", "full"]

#: Y = offset + weights . RGB, RGB in [0, 1], on the 255 scale. The studio weights are 219 times (.299, .587, .114).
_LUMA: dict[LumaSpan, tuple[float, tuple[float, float, float]]] = {
    "studio": (16.0, (65.481, 128.553, 24.966)),
    "full": (0.0, (255 * 0.299, 255 * 0.587, 255 * 0.114)),
}


def luma(picture: Float[np.ndarray, "3 H W"], *, span: LumaSpan = "studio") -> Float[np.ndarray, "H W"]:
    """Convert RGB to the luma Y of ITU-R BT.601, on the 255 scale, in float64 without rounding.

    ``studio`` (black 16, white 235) is the Y of MATLAB's and scikit-image's rgb2ycbcr, and the one on which
    super-resolution papers report; the coefficients of EDSR and TTSR (65.738, 129.057, 25.064 over 256) agree with it
    to five digits. ``full`` (0 to 255) is the Y of JPEG, Pillow, OpenCV and pyiqa's SSIM (``yiq``). An error is 255/219
    times larger in ``full``, so that PSNR is 20 log10(255/219) = 1.32 dB lower.

    Args:
        picture: RGB in [0, 1].
        span: ``studio`` or ``full``.

    >>> luma(np.ones((3, 1, 1)))
    array([[235.]])
    >>> luma(np.ones((3, 1, 1)), span="full")
    array([[255.]])
    """
    if span not in _LUMA:
        raise InputError(f"No luma span called {span!r}; there are {', '.join(get_args(LumaSpan))}.")
    offset, weights = _LUMA[span]
    return np.tensordot(np.array(weights), picture.astype(np.float64), axes=1) + offset


def round_to_bytes(picture: Float[np.ndarray, "3 H W"]) -> Float[np.ndarray, "3 H W"]:
    """Quantise to 8 bits, keeping the range [0, 1]: clip, then round to the nearest n / 255 (ties to even)."""
    return np.rint(np.clip(picture.astype(np.float64), 0, 1) * 255) / 255


def cropped(
    output: Float[np.ndarray, "3 H W"], target: Float[np.ndarray, "3 H2 W2"], crop: int
) -> tuple[Float[np.ndarray, "3 h w"], Float[np.ndarray, "3 h w"]]:
    """Remove `crop` pixels at each edge of both pictures.

    Raises:
        InputError: The sizes differ, or nothing is left after cropping.
    """
    if output.shape != target.shape:
        raise InputError(
            f"The output is {output.shape[2]}x{output.shape[1]}, the target {target.shape[2]}x{target.shape[1]}. "
            "Compare pictures of the same size."
        )
    height, width = target.shape[1:]
    if crop < 0 or min(height, width) <= 2 * crop:
        raise InputError(
            f"A crop of {crop} pixels leaves nothing of {width}x{height}. "
            f"Crop from 0 to {(min(height, width) - 1) // 2}."
        )
    inside = (slice(None), slice(crop, height - crop), slice(crop, width - crop))
    return output[inside], target[inside]
