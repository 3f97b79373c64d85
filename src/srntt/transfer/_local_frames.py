"""Refinement of matches to sub-position accuracy, and texture sampling through them.

A match on the LR grid is accurate to half a position, i.e. two output pixels, which is too coarse for detail to align.
Each match is refined from the similarities around its peak, and its local rotation and scale are estimated from
neighbouring matches. The reference is then sampled at every pixel of the output grid.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from srntt._shapes import Float, Int64

_NEIGHBOURS = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
SMOOTH = 1.5  # largest deviation, in positions, of neighbouring matches that still belong to one surface
REFINED_AT_ONCE = 4096  # positions per chunk; each gathers nine descriptors


class LocalFrames(NamedTuple):
    """Local affine frame of each match: rotation and scale of the reference relative to the query."""

    jacobian: Float[Tensor, "*b h w 2 2"]  # d(reference y, x) / d(query y, x); identity where neighbours disagree
    agreement: Float[Tensor, "*b h w"]  # fraction of the four neighbours on the same surface


def refine_match(
    query: Float[Tensor, "b d n"],
    key: Float[Tensor, "b d h w"],
    index: Int64[Tensor, "b n"],
    temperature: Float[Tensor, ""],
) -> tuple[Float[Tensor, "b n 2"], Float[Tensor, "b n"]]:
    """Move each match to the soft-argmax of the similarities in the 3x3 window around it.

    Args:
        query: Unit descriptors.
        key: Unit descriptors of one reference.
        index: Matched positions of the key map, ``y * w + x``.
        temperature: Factor applied to the cosines before the softmax.

    Returns:
        Fractional (y, x) in positions of the key map, and the sharpness of each peak: the largest softmax weight of the
        window, from 1/9 (flat) to 1 (sharp).
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
    # Keys are detached: the gradient through the query, from the same encoder, suffices and costs half as much.
    flat = key.detach().flatten(2)
    gathered = flat.gather(2, neighbour.flatten(1)[:, None].expand(-1, flat.shape[1], -1)).unflatten(2, (-1, 9))
    cosine = torch.einsum("bdn,bdnk->bnk", query, gathered)
    share = (cosine * temperature).masked_fill(~inside, -torch.inf).softmax(-1)
    offset = share @ share.new_tensor(_NEIGHBOURS)
    return torch.stack([y, x], -1) + offset, share.amax(-1)


def local_frames(position: Float[Tensor, "*b h w 2"]) -> LocalFrames:
    """Estimate the local affine frame of each match from its neighbours on the same surface.

    Refined positions (y, x) in one reference, for each position of the LR grid.
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
    """Sample the ratio x ratio block of pixels at each match, rotated and scaled by its local frame.

    The channel order is that of ``torch.nn.functional.pixel_unshuffle``: ``pixel_shuffle`` turns a map of these blocks
    into the swapped texture at ``ratio`` times the LR grid.

    Args:
        band: Map to sample, at ``ratio`` times the grid of the key map.
        position: Refined matches (y, x), in positions of the key map.
        jacobian: Local frame of each match.
        ratio: At least 1.
    """
    inside = (torch.arange(ratio, device=band.device, dtype=band.dtype) + 0.5) / ratio - 0.5
    offset = torch.stack(torch.meshgrid(inside, inside, indexing="ij"), -1).reshape(-1, 2)
    point = position[:, :, None] + torch.einsum("bnij,kj->bnki", jacobian, offset)
    size = point.new_tensor(band.shape[-2:]) / ratio
    grid = ((point + 0.5) / size * 2 - 1).flip(-1)
    mode = "bicubic" if ratio > 1 else "bilinear"
    blocks = F.grid_sample(band, grid, mode=mode, padding_mode="border", align_corners=False)
    return blocks.permute(0, 1, 3, 2).flatten(1, 2)
