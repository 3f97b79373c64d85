"""Peak signal-to-noise ratio, computed in float64; infinite for identical pictures.

The functions do not quantise: published figures are for outputs rounded to 8 bits, so apply `round_to_bytes` first.
"""

import numpy as np

from srntt._shapes import Float, UInt8
from srntt.errors import InputError
from srntt.image import resize_pillow
from srntt.metrics._pixels import LumaSpan, cropped, luma, round_to_bytes


def psnr_rgb(output: Float[np.ndarray, "3 H W"], target: Float[np.ndarray, "3 H2 W2"], *, crop: int = 0) -> float:
    """Calculate the peak signal-to-noise ratio over the three channels together, in dB.

    Args:
        output: RGB in [0, 1].
        target: RGB in [0, 1], of the same size.
        crop: Pixels excluded at each edge.

    Raises:
        InputError: The sizes differ, or nothing is left after cropping.
    """
    output, target = cropped(output, target, crop)
    return _psnr(output.astype(np.float64) * 255, target.astype(np.float64) * 255)


def psnr_y(
    output: Float[np.ndarray, "3 H W"],
    target: Float[np.ndarray, "3 H2 W2"],
    *,
    crop: int = 0,
    span: LumaSpan = "studio",
) -> float:
    """Calculate the peak signal-to-noise ratio of the luma, in dB; the peak is 255 in either span.

    Args:
        output: RGB in [0, 1].
        target: RGB in [0, 1], of the same size.
        crop: Pixels excluded at each edge.
        span: Range of the luma, see `luma`; super-resolution papers use ``studio``.

    Raises:
        InputError: The sizes differ, or nothing is left after cropping.
    """
    output, target = cropped(output, target, crop)
    return _psnr(luma(output, span=span), luma(target, span=span))


def lr_psnr(output: Float[np.ndarray, "3 H W"], low_res: UInt8[np.ndarray, "h w 3"]) -> float:
    """Calculate the consistency of an output with its low-res input: PSNR on RGB at the input's size, in dB.

    The output is rounded to 8 bits and downsampled to the size of the input by Pillow's bicubic, without cropping. This
    is the LR-PSNR of the NTIRE 2021 challenge on the super-resolution space (Lugmayr et al., section 3; at least 45 dB
    are required there), with the downsampling of reference-based papers. For an input that was downsampled in another
    way, the LR-PSNR of the target itself is finite.

    Args:
        output: RGB in [0, 1].
        low_res: The input it was computed from, uint8.

    Raises:
        InputError: The output is smaller than the input.
    """
    height, width = low_res.shape[:2]
    if output.shape[1] < height or output.shape[2] < width:
        raise InputError(
            f"The output is {output.shape[2]}x{output.shape[1]}, smaller than the {width}x{height} it was made from. "
            "Give the enlarged picture first."
        )
    written = np.ascontiguousarray(np.rint(round_to_bytes(output) * 255).astype(np.uint8).transpose(1, 2, 0))
    reduced = resize_pillow(written, (height, width))
    return _psnr(reduced.astype(np.float64), low_res.astype(np.float64))


def _psnr(output: Float[np.ndarray, "*shape"], target: Float[np.ndarray, "*shape"]) -> float:
    error = float(np.mean((output - target) ** 2))
    return float(10 * np.log10(255**2 / error)) if error else float("inf")
