"""Full-reference image quality metrics as pure functions: PSNR, SSIM, LPIPS, DISTS and texture distance."""

from srntt.metrics._backbones import Backbone
from srntt.metrics._dists import DistsWeights, dists
from srntt.metrics._lpips import LpipsWeights, lpips
from srntt.metrics._pixels import luma, round_to_bytes
from srntt.metrics._psnr import lr_psnr, psnr_rgb, psnr_y
from srntt.metrics._ssim import SSIM_WINDOW, ssim_rgb, ssim_y
from srntt.metrics._texture import texture_distance

__all__ = [
    "dists",
    "lpips",
    "lr_psnr",
    "luma",
    "psnr_rgb",
    "psnr_y",
    "round_to_bytes",
    "ssim_rgb",
    "ssim_y",
    "texture_distance",
]
