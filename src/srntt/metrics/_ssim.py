"""Structural similarity (SSIM), computed in float64.

Wang et al. 2004, Eq. 13, with the parameters of their MATLAB code (ssim.m), which super-resolution papers use: Gaussian
window of 11x11 with sigma 1.5, population moments, K1 = .01, K2 = .03, L = 255, averaged over the positions where the
window lies inside the picture. ssim() of MATLAB's Image Processing Toolbox pads the edges and gives different values.
"""

import numpy as np

from srntt._shapes import Float
from srntt.errors import InputError
from srntt.metrics._pixels import LumaSpan, cropped, luma

SSIM_WINDOW = 11
_SSIM_SIGMA = 1.5
_SSIM_C1, _SSIM_C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def ssim_y(
    output: Float[np.ndarray, "3 H W"],
    target: Float[np.ndarray, "3 H2 W2"],
    *,
    crop: int = 0,
    span: LumaSpan = "studio",
) -> float:
    """Calculate the mean structural similarity of the luma, in [-1, 1].

    Args:
        output: RGB in [0, 1].
        target: RGB in [0, 1], of the same size.
        crop: Pixels excluded at each edge, before windowing.
        span: Range of the luma, see `luma`; super-resolution papers use ``studio``, pyiqa ``full``.

    Raises:
        InputError: The sizes differ, or fewer than 11x11 pixels are left after cropping.
    """
    output, target = _windowed(output, target, crop)
    return float(_ssim_map(luma(output, span=span), luma(target, span=span)).mean())


def ssim_rgb(output: Float[np.ndarray, "3 H W"], target: Float[np.ndarray, "3 H2 W2"], *, crop: int = 0) -> float:
    """Calculate the structural similarity of each channel and average the three, as BasicSR and scikit-image do.

    Args:
        output: RGB in [0, 1].
        target: RGB in [0, 1], of the same size.
        crop: Pixels excluded at each edge, before windowing.

    Returns:
        Mean structural similarity, in [-1, 1].

    Raises:
        InputError: The sizes differ, or fewer than 11x11 pixels are left after cropping.
    """
    output, target = (picture.astype(np.float64) * 255 for picture in _windowed(output, target, crop))
    return float(np.mean([_ssim_map(x, y).mean() for x, y in zip(output, target, strict=True)]))


def _windowed(
    output: Float[np.ndarray, "3 H W"], target: Float[np.ndarray, "3 H2 W2"], crop: int
) -> tuple[Float[np.ndarray, "3 h w"], Float[np.ndarray, "3 h w"]]:
    output, target = cropped(output, target, crop)
    if min(output.shape[1:]) < SSIM_WINDOW:
        raise InputError(
            f"SSIM needs {SSIM_WINDOW}x{SSIM_WINDOW} pixels; {output.shape[2]}x{output.shape[1]} are left after "
            f"cropping {crop}. Give a larger picture or a smaller crop."
        )
    return output, target


def _ssim_map(x: Float[np.ndarray, "H W"], y: Float[np.ndarray, "H W"]) -> Float[np.ndarray, "h w"]:
    mean_x, mean_y = _blurred(x), _blurred(y)
    variance_x = _blurred(x * x) - mean_x**2
    variance_y = _blurred(y * y) - mean_y**2
    covariance = _blurred(x * y) - mean_x * mean_y
    brightness = (2 * mean_x * mean_y + _SSIM_C1) / (mean_x**2 + mean_y**2 + _SSIM_C1)
    structure = (2 * covariance + _SSIM_C2) / (variance_x + variance_y + _SSIM_C2)
    return brightness * structure


def _blurred(plane: Float[np.ndarray, "H W"]) -> Float[np.ndarray, "h w"]:
    """Calculate the Gaussian-weighted mean at each position where the window fits: h = H - 10, w = W - 10."""
    offsets = np.arange(SSIM_WINDOW) - SSIM_WINDOW // 2
    taps = np.exp(-(offsets**2) / (2 * _SSIM_SIGMA**2))
    taps /= taps.sum()
    height, width = (extent - SSIM_WINDOW + 1 for extent in plane.shape)
    rows = sum((tap * plane[i : i + height] for i, tap in enumerate(taps)), np.zeros((height, plane.shape[1])))
    return sum((tap * rows[:, i : i + width] for i, tap in enumerate(taps)), np.zeros((height, width)))
