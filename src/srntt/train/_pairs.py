"""Training pairs made from single photographs: a target, a reference that shows some of it differently, and the
truth.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from srntt._shapes import Bool, Float, UInt8
from srntt.features import as_uint8, reduce
from srntt.train._photographs import Photographs, crop
from srntt.train._warp import Warp, WarpRange

_FAR_OCTAVES = 2.0


@dataclass(frozen=True)
class PairRange:
    """What pairs are made of.

    Attributes:
        target: side of the HR target, in pixels (a multiple of 4).
        reference: side of the HR reference.
        unrelated: share of references cut from another photograph.
        far: share of references at quite another scale, up to 4x either way, which match well and have nothing to give.
        soft: share of references that are blurred, noisy, or both.
        counts: how often a batch has one reference a target, two, and so on.
        warp: how references are turned.
    """

    target: int = 160
    reference: int = 192
    unrelated: float = 0.12
    far: float = 0.08
    soft: float = 0.25
    counts: tuple[float, ...] = (0.6, 0.25, 0.15)
    warp: WarpRange = WarpRange()  # noqa: RUF009 (frozen)


class Pairs(NamedTuple):
    """A batch, of r references a target. ``truth`` is the (y, x) in the reference's LR grid of each LR position of the
    target; ``visible`` says if it is in.
    """

    high_res: Float[Tensor, "b 3 H W"]
    low_res: Float[Tensor, "b 3 h w"]
    references: Float[Tensor, "b r 3 R R"]
    truth: Float[Tensor, "b r h w 2"]
    visible: Bool[Tensor, "b r h w"]


def make_pairs(photographs: Photographs, count: int, limits: PairRange, random: np.random.Generator) -> Pairs:
    """Draw a batch of pairs."""
    share = np.array(limits.counts) / sum(limits.counts)
    references = 1 + int(random.choice(len(share), p=share))
    samples = [_make_pair(photographs, references, limits, random) for _ in range(count)]
    high_res, reference, truth, visible = (torch.stack(column) for column in zip(*samples, strict=True))
    return Pairs(high_res, as_uint8(reduce(high_res, 4)), as_uint8(reference), truth, visible)


def _make_pair(
    photographs: Photographs, count: int, limits: PairRange, random: np.random.Generator
) -> tuple[Tensor, ...]:
    """A target and its references, turned over alike."""
    photograph = photographs.draw(random)
    target, corner = crop(photograph, limits.target, random)
    made = [_make_reference(photographs, photograph, corner, limits, random) for _ in range(count)]
    reference, truth, visible = (torch.stack(column) for column in zip(*made, strict=True))
    for axis in (0, 1):
        if random.uniform() < 0.5:
            target, reference = target.flip(axis + 1), reference.flip(axis + 2)
            truth, visible = truth.flip(axis + 1), visible.flip(axis + 1)
            truth[..., axis] = limits.reference / 4 - 1 - truth[..., axis]
    return target, reference, truth, visible


def _make_reference(
    photographs: Photographs,
    photograph: UInt8[Tensor, "3 H W"],
    corner: np.ndarray,
    limits: PairRange,
    random: np.random.Generator,
) -> tuple[Float[Tensor, "3 R R"], Float[Tensor, "h w 2"], Bool[Tensor, "h w"]]:
    grid = _cell_centres(limits.target)
    far = random.uniform() < limits.far
    turns = replace(limits.warp, octaves=_FAR_OCTAVES) if far else limits.warp
    warp = Warp(limits.reference, corner + limits.target / 2, turns, random)
    if random.uniform() < limits.unrelated:
        reference, _ = crop(photographs.draw(random), limits.reference, random)
        visible = torch.zeros(grid.shape[:2], dtype=torch.bool)
        truth = torch.zeros_like(grid)
    else:
        reference = _view(photograph, warp, limits.reference)
        truth = warp.inverse(grid + torch.from_numpy(corner).float()) / 4 - 0.5
        visible = ((truth > -0.5) & (truth < limits.reference / 4 - 0.5)).all(-1) & (not far)
    reference = _expose(reference, random)
    if random.uniform() < limits.soft:
        reference = _soften(reference, random)
    return reference, truth, visible


def _cell_centres(size: int) -> Float[Tensor, "h w 2"]:
    line = torch.arange(size // 4) * 4.0 + 2
    return torch.stack(torch.meshgrid(line, line, indexing="ij"), -1)


def _view(photograph: UInt8[Tensor, "3 H W"], warp: Warp, size: int) -> Float[Tensor, "3 s s"]:
    line = torch.arange(size) + 0.5
    position = warp(torch.stack(torch.meshgrid(line, line, indexing="ij"), -1))
    limit = torch.tensor(photograph.shape[1:])
    first = position.amin((0, 1)).floor().int().clamp(min=0).minimum(limit - 4) - 3
    first = first.clamp(min=0)
    last = (position.amax((0, 1)).ceil().int() + 4).minimum(limit).maximum(first + 4)
    window = photograph[:, first[0] : last[0], first[1] : last[1]].float()[None] / 255
    grid = (position - first) / (last - first) * 2 - 1
    shrunk = int(max(last - first)) // size
    if shrunk > 1:  # or the view would alias
        window = reduce(window, shrunk)
    return F.grid_sample(window, grid.flip(-1)[None], mode="bicubic", padding_mode="reflection", align_corners=False)[
        0
    ].clamp(0, 1)


def _expose(picture: Float[Tensor, "3 H W"], random: np.random.Generator) -> Float[Tensor, "3 H W"]:
    severity = random.uniform()
    gain = torch.from_numpy(random.normal(1, 0.05 * severity, (3, 1, 1)).astype(np.float32))
    gain = gain * float(1 + random.uniform(-0.3, 0.3) * severity)
    shift = float(random.uniform(-0.08, 0.08) * severity)
    gamma = float(2 ** (random.uniform(-0.4, 0.4) * severity))
    return (picture * gain + shift).clamp(0, 1) ** gamma


def _soften(picture: Float[Tensor, "3 H W"], random: np.random.Generator) -> Float[Tensor, "3 H W"]:
    if random.uniform() < 0.7:
        sigma = random.uniform(0.4, 3.0)
        tap = torch.exp(-0.5 * (torch.arange(-8, 9) / sigma) ** 2)
        tap = (tap / tap.sum()).expand(3, 1, 1, 17)
        padded = F.pad(picture[None], (8, 8, 8, 8), mode="reflect")
        picture = F.conv2d(F.conv2d(padded, tap, groups=3), tap.transpose(2, 3), groups=3)[0]
    if random.uniform() < 0.5:
        noise = random.normal(0, random.uniform(0, 0.02), picture.shape).astype(np.float32)
        picture = picture + torch.from_numpy(noise)
    return picture.clamp(0, 1)
