"""Pure functions of an output and its target: PSNR, SSIM, LPIPS, DISTS, texture distance."""

from srntt.metrics._backbones import Backbone, backbone_shapes
from srntt.metrics._dists import DISTS_CHANNELS, DistsWeights, dists
from srntt.metrics._lpips import LpipsWeights, lpips, lpips_shapes
from srntt.metrics._pixels import LumaSpan, luma, round_to_bytes
from srntt.metrics._psnr import lr_psnr, psnr_rgb, psnr_y
from srntt.metrics._ssim import SSIM_WINDOW, ssim_rgb, ssim_y
from srntt.metrics._texture import TEXTURE_LAYERS, texture_distance

__all__ = [
    "DISTS_CHANNELS",
    "SSIM_WINDOW",
    "TEXTURE_LAYERS",
    "Backbone",
    "DistsWeights",
    "LpipsWeights",
    "LumaSpan",
    "backbone_shapes",
    "dists",
    "lpips",
    "lpips_shapes",
    "lr_psnr",
    "luma",
    "psnr_rgb",
    "psnr_y",
    "round_to_bytes",
    "ssim_rgb",
    "ssim_y",
    "texture_distance",
]
