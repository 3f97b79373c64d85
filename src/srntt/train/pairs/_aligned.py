"""References in the frame of their targets, as views by geometry show them: nearly in place, off by a smooth error."""

import torch.nn.functional as F
from torch import Tensor

from srntt._shapes import Bool, Float, Int64
from srntt.image import round_to_8bit
from srntt.train.pairs._draws import Draws
from srntt.train.pairs._warp import Warp, pixel_centres

_KNOTS = 3  # control points of the error along a side


def aligned_views(
    references: Float[Tensor, "n 3 R R"],
    warp: Warp,
    corner: Int64[Tensor, "n 2"],
    target: int,
    error: Float[Tensor, "n R R 2"],
    scale: int,
) -> tuple[Float[Tensor, "n 3 R R"], Float[Tensor, "n h w 2"]]:
    """Each reference resampled once through the true map, displaced by an error. Beyond its edge it is mirrored.

    A reference of another scene is resampled through its map as well: that is what a wrong homography shows.

    Args:
        references: as the model is shown them.
        warp: from their pixels to the photographs'.
        corner: (y, x) of the target's first pixel in the photograph.
        target: side of the target, in pixels.
        error: (y, x) at each pixel of a view, in LR pixels.
        scale: of the model.

    Returns:
        The views, as large as the references, with the target in the middle, and where in their LR grids (y, x) each
        LR position of the target lies.
    """
    device, side = references.device, references.shape[-1]
    margin, error = (side - target) // (2 * scale), error.to(device)
    frame = pixel_centres(side).to(device) + (corner.to(device) - margin * scale)[:, None, None]
    place = warp.to(device).inverse(frame + scale * error)
    grid = (place / side * 2 - 1).flip(-1)
    views = F.grid_sample(references, grid, mode="bicubic", padding_mode="reflection", align_corners=False)
    return round_to_8bit(views), _truth(error, margin, target // scale, scale)


def seen_through(visible: Bool[Tensor, "n h w"], truth: Float[Tensor, "n h w 2"], side: int) -> Bool[Tensor, "n h w"]:
    """Where a view shows what its reference shows of the target; ``side`` is that of the view's LR grid."""
    return visible & ((truth > -0.5) & (truth < side - 0.5)).all(-1)


def smooth_error(side: int, deviation: float, draws: Draws) -> Float[Tensor, "n R R 2"]:
    """In LR pixels, at each pixel of a view; how large it is on the whole differs from reference to reference."""
    knots = draws.normal(deviation, 2 * _KNOTS**2) * draws.uniform((0.0, 2.0))
    field = knots.view(-1, 2, _KNOTS, _KNOTS)
    smooth = F.interpolate(field, size=(side, side), mode="bicubic", align_corners=True)
    return smooth.permute(0, 2, 3, 1)


def _truth(error: Float[Tensor, "n R R 2"], margin: int, cells: int, scale: int) -> Float[Tensor, "n h w 2"]:
    """The view shows at p what the target has at p + error(p): to first order the target's x lies at x - error(x)."""
    inner = slice(margin, margin + cells)
    mean = F.avg_pool2d(error.permute(0, 3, 1, 2), scale).permute(0, 2, 3, 1)[:, inner, inner]
    return pixel_centres(cells).to(error.device) - 0.5 + margin - mean
