"""Peak signal-to-noise ratio: pure functions of two pictures, float64 inside, infinite where the two are equal.

A paper rounds the output to 8 bits first; so does whoever calls these (`round_to_bytes`). Sizes are H x W of the output
and H2 x W2 of the target, because they may differ until they have been compared.
"""

import numpy as np

from srntt._shapes import Float, UInt8
from srntt.errors import InputError
from srntt.image import resize_pillow
from srntt.metrics._pixels import LumaSpan, cropped, luma, round_to_bytes


def psnr_rgb(output: Float[np.ndarray, "3 H W"], target: Float[np.ndarray, "3 H2 W2"], *, crop: int = 0) -> float:
    """Peak signal-to-noise ratio over all three channels, in dB.

    Args:
        output: RGB in [0, 1].
        target: RGB in [0, 1], of the same size.
        crop: pixels left out at each edge.

    Raises:
        InputError: sizes differ, or the crop leaves nothing.
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
    """Peak signal-to-noise ratio of `luma`, peak 255 in either span, in dB.

    Args:
        output: RGB in [0, 1].
        target: RGB in [0, 1], of the same size.
        crop: pixels left out at each edge.
        span: of the luma; the field takes studio.

    Raises:
        InputError: sizes differ, or the crop leaves nothing.
    """
    output, target = cropped(output, target, crop)
    return _psnr(luma(output, span=span), luma(target, span=span))


def lr_psnr(output: Float[np.ndarray, "3 H W"], low_res: UInt8[np.ndarray, "h w 3"]) -> float:
    """How well an output agrees with the picture it was made from: PSNR on RGB, in dB, of the two at the low size.

    The output is rounded to 8 bits and reduced by Pillow's bicubic, which gives 8 bits, too; nothing is cropped. It is
    the LR-PSNR of the NTIRE 2021 challenge on the super-resolution space (Lugmayr et al., section 3), which asks for
    45 dB, with the reduction that reference-based papers use. Where LR was made in another way, even the truth does
    not reach infinity.

    Args:
        output: RGB in [0, 1].
        low_res: what it was made from, 8 bits.

    Raises:
        InputError: the output is the smaller one.
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
