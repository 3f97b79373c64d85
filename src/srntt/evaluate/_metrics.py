"""PSNR and SSIM as super-resolution papers report them: pure functions of two pictures, float64 inside.

Y is the luma of BT.601 in studio range, 16..235 on the 255 scale, not rounded. A paper rounds the output to 8 bits
first; so does whoever calls this (`round_to_bytes`). Sizes are H x W of the output and H2 x W2 of the target, because
they may differ until they have been compared.
"""

import numpy as np

from srntt._shapes import Float
from srntt.errors import InputError

SSIM_WINDOW = 11
_SSIM_SIGMA = 1.5
_SSIM_C1, _SSIM_C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
_LUMA_WEIGHTS = np.array([65.481, 128.553, 24.966])
_LUMA_OFFSET = 16.0


def luma(picture: Float[np.ndarray, "3 H W"]) -> Float[np.ndarray, "H W"]:
    """Y of BT.601 in studio range (16 black, 235 white), float64, not rounded.

    Args:
        picture: RGB in [0, 1].

    >>> luma(np.ones((3, 1, 1)))
    array([[235.]])
    """
    return np.tensordot(_LUMA_WEIGHTS, picture.astype(np.float64), axes=1) + _LUMA_OFFSET


def round_to_bytes(picture: Float[np.ndarray, "3 H W"]) -> Float[np.ndarray, "3 H W"]:
    """What an 8-bit file would hold, still in [0, 1]: clipped, then rounded to the nearest n / 255 (ties to even)."""
    return np.rint(np.clip(picture.astype(np.float64), 0, 1) * 255) / 255


def psnr_rgb(output: Float[np.ndarray, "3 H W"], target: Float[np.ndarray, "3 H2 W2"], *, crop: int = 0) -> float:
    """Peak signal-to-noise ratio over all three channels, in dB; infinite where the two are equal.

    Args:
        output: RGB in [0, 1].
        target: RGB in [0, 1], of the same size.
        crop: pixels left out at each edge.

    Raises:
        InputError: sizes differ, or the crop leaves nothing.
    """
    output, target = _cropped(output, target, crop)
    return _psnr(output.astype(np.float64) * 255, target.astype(np.float64) * 255)


def psnr_y(output: Float[np.ndarray, "3 H W"], target: Float[np.ndarray, "3 H2 W2"], *, crop: int = 0) -> float:
    """Peak signal-to-noise ratio of `luma`, peak 255, in dB; infinite where the two are equal.

    Args:
        output: RGB in [0, 1].
        target: RGB in [0, 1], of the same size.
        crop: pixels left out at each edge.

    Raises:
        InputError: sizes differ, or the crop leaves nothing.
    """
    output, target = _cropped(output, target, crop)
    return _psnr(luma(output), luma(target))


def ssim_y(output: Float[np.ndarray, "3 H W"], target: Float[np.ndarray, "3 H2 W2"], *, crop: int = 0) -> float:
    """Mean structural similarity of `luma`, in [-1, 1] (Wang et al. 2004, Eq. 13; their MATLAB code).

    Gaussian window 11x11 of sigma 1.5, population moments, K1 = .01, K2 = .03, L = 255, averaged over the positions
    where the window fits whole.

    Args:
        output: RGB in [0, 1].
        target: RGB in [0, 1], of the same size.
        crop: pixels left out at each edge, before the window is laid.

    Raises:
        InputError: sizes differ, or less than 11x11 pixels are left.
    """
    output, target = _cropped(output, target, crop)
    if min(output.shape[1:]) < SSIM_WINDOW:
        raise InputError(
            f"SSIM needs {SSIM_WINDOW}x{SSIM_WINDOW} pixels; {output.shape[2]}x{output.shape[1]} are left after "
            f"cropping {crop}. Give a larger picture or a smaller crop."
        )
    return float(_ssim_map(luma(output), luma(target)).mean())


def _ssim_map(x: Float[np.ndarray, "H W"], y: Float[np.ndarray, "H W"]) -> Float[np.ndarray, "h w"]:
    mean_x, mean_y = _blurred(x), _blurred(y)
    variance_x = _blurred(x * x) - mean_x**2
    variance_y = _blurred(y * y) - mean_y**2
    covariance = _blurred(x * y) - mean_x * mean_y
    brightness = (2 * mean_x * mean_y + _SSIM_C1) / (mean_x**2 + mean_y**2 + _SSIM_C1)
    structure = (2 * covariance + _SSIM_C2) / (variance_x + variance_y + _SSIM_C2)
    return brightness * structure


def _blurred(plane: Float[np.ndarray, "H W"]) -> Float[np.ndarray, "h w"]:
    """Gaussian-weighted mean at every position where the window fits: h = H - 10, w = W - 10."""
    offsets = np.arange(SSIM_WINDOW) - SSIM_WINDOW // 2
    taps = np.exp(-(offsets**2) / (2 * _SSIM_SIGMA**2))
    taps /= taps.sum()
    height, width = (extent - SSIM_WINDOW + 1 for extent in plane.shape)
    rows = sum((tap * plane[i : i + height] for i, tap in enumerate(taps)), np.zeros((height, plane.shape[1])))
    return sum((tap * rows[:, i : i + width] for i, tap in enumerate(taps)), np.zeros((height, width)))


def _psnr(output: Float[np.ndarray, "*shape"], target: Float[np.ndarray, "*shape"]) -> float:
    error = float(np.mean((output - target) ** 2))
    return float(10 * np.log10(255**2 / error)) if error else float("inf")


def _cropped(
    output: Float[np.ndarray, "3 H W"], target: Float[np.ndarray, "3 H2 W2"], crop: int
) -> tuple[Float[np.ndarray, "3 h w"], Float[np.ndarray, "3 h w"]]:
    if output.shape != target.shape:
        raise InputError(
            f"The output is {output.shape[2]}x{output.shape[1]}, the target {target.shape[2]}x{target.shape[1]}. "
            "Compare pictures of one size."
        )
    height, width = target.shape[1:]
    if crop < 0 or min(height, width) <= 2 * crop:
        raise InputError(
            f"A crop of {crop} pixels leaves nothing of {width}x{height}. "
            f"Crop from 0 to {(min(height, width) - 1) // 2}."
        )
    inside = (slice(None), slice(crop, height - crop), slice(crop, width - crop))
    return output[inside], target[inside]
