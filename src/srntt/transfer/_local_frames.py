"""Correspondences to sub-position accuracy, and textures sampled through them.

A match on the LR grid is right to half a position, which is two output pixels: too coarse for detail to line up. Here
each match is refined from the similarities around its peak, given the rotation and scale that it shares with its
neighbours, and the reference is sampled there, at every pixel of the output grid.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from srntt._shapes import Float, Int64

_NEIGHBOURS = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
SMOOTH = 1.5  # largest step between neighbouring matches, in positions, that still counts as one surface
REFINED_AT_ONCE = 4096  # positions; each gathers nine descriptors


class LocalFrames(NamedTuple):
    """How the reference turns and scales around each match."""

    jacobian: Float[Tensor, "*b h w 2 2"]  # d(reference y, x) / d(query y, x); identity where neighbours disagree
    agreement: Float[Tensor, "*b h w"]  # share of the four neighbours that lie on the same surface


def refine_match(
    query: Float[Tensor, "b d n"],
    key: Float[Tensor, "b d h w"],
    index: Int64[Tensor, "b n"],
    temperature: Float[Tensor, ""],
) -> tuple[Float[Tensor, "b n 2"], Float[Tensor, "b n"]]:
    """Move each match to the centroid of the similarities in the 3x3 window around it.

    Args:
        query: unit descriptors.
        key: unit descriptors of one reference.
        index: matched positions of the key map, ``y * w + x``.
        temperature: factor on cosines before the softmax.

    Returns:
        (y, x) in positions of the key map, to a fraction of one; and the sharpness of each peak, its share among
        its 3x3 neighbours: 1/9 flat .. 1 sharp.
    """
    parts = zip(query.split(REFINED_AT_ONCE, 2), index.split(REFINED_AT_ONCE, 1), strict=True)
    refined = [_refine(part, key, places, temperature) for part, places in parts]
    position, sharpness = (torch.cat(each, 1) for each in zip(*refined, strict=True))
    return position, sharpness


def _refine(
    query: Float[Tensor, "b d n"],
    key: Float[Tensor, "b d h w"],
    index: Int64[Tensor, "b n"],
    temperature: Float[Tensor, ""],
) -> tuple[Float[Tensor, "b n 2"], Float[Tensor, "b n"]]:
    height, width = key.shape[-2:]
    around = index.new_tensor(_NEIGHBOURS)
    y, x = index // width, index % width
    near_y, near_x = y[..., None] + around[:, 0], x[..., None] + around[:, 1]
    inside = (near_y >= 0) & (near_y < height) & (near_x >= 0) & (near_x < width)
    neighbour = near_y.clamp(0, height - 1) * width + near_x.clamp(0, width - 1)
    # Keys are constants here: the query side, described by the same encoder, carries the gradient at half the cost.
    flat = key.detach().flatten(2)
    gathered = flat.gather(2, neighbour.flatten(1)[:, None].expand(-1, flat.shape[1], -1)).unflatten(2, (-1, 9))
    cosine = torch.einsum("bdn,bdnk->bnk", query, gathered)
    share = (cosine * temperature).masked_fill(~inside, -torch.inf).softmax(-1)
    offset = share @ share.new_tensor(_NEIGHBOURS)
    return torch.stack([y, x], -1) + offset, share.amax(-1)


def local_frames(position: Float[Tensor, "*b h w 2"]) -> LocalFrames:
    """Estimate each match's local affine frame from those neighbours that continue its surface.

    Args:
        position: refined matches (y, x), all in one reference.
    """
    columns, votes = [], []
    for axis in (-3, -2):
        step = position.diff(dim=axis)
        unit = step.new_tensor([1.0, 0.0] if axis == -3 else [0.0, 1.0])
        smooth = (step - unit).abs().amax(-1) < SMOOTH
        step, smooth = step * smooth[..., None], smooth.to(step.dtype)
        ahead = [0, 0, 0, 1] if axis == -3 else [0, 1]
        behind = [0, 0, 1, 0] if axis == -3 else [1, 0]
        count = F.pad(smooth, ahead) + F.pad(smooth, behind)
        total = F.pad(step, [0, 0, *ahead]) + F.pad(step, [0, 0, *behind])
        columns.append(torch.where(count[..., None] > 0, total / count.clamp(min=1)[..., None], unit))
        votes.append(count)
    return LocalFrames(torch.stack(columns, -1), (votes[0] + votes[1]) / 4)


def sample_blocks(
    band: Float[Tensor, "b c H W"],
    position: Float[Tensor, "b n 2"],
    jacobian: Float[Tensor, "b n 2 2"],
    ratio: int,
) -> Float[Tensor, "b _ n"]:
    """Sample the ratio x ratio block of pixels under each match, turned and scaled by its frame.

    The channel order is that of ``torch.nn.functional.pixel_unshuffle``: a map of these blocks on the LR grid is the
    swapped texture at ``ratio`` times the LR grid, folded space to depth.

    Args:
        band: what to sample, at ``ratio`` times the key map's grid.
        position: refined matches (y, x) in key positions.
        jacobian: their local frames.
        ratio: 1 or more.
    """
    inside = (torch.arange(ratio, device=band.device, dtype=band.dtype) + 0.5) / ratio - 0.5
    offset = torch.stack(torch.meshgrid(inside, inside, indexing="ij"), -1).reshape(-1, 2)
    point = position[:, :, None] + torch.einsum("bnij,kj->bnki", jacobian, offset)
    size = point.new_tensor(band.shape[-2:]) / ratio
    grid = ((point + 0.5) / size * 2 - 1).flip(-1)
    mode = "bicubic" if ratio > 1 else "bilinear"
    blocks = F.grid_sample(band, grid, mode=mode, padding_mode="border", align_corners=False)
    return blocks.permute(0, 1, 3, 2).flatten(1, 2)
