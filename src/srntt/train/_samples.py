"""Pictures of how a run goes: for a few pairs, what went in, what came out, and what should have."""

from pathlib import Path

import torch
from torch import Tensor

from srntt._files import make_folder
from srntt._shapes import Float
from srntt.data import Pairs
from srntt.errors import ModelError
from srntt.image import enlarge, load, round_to_8bit, save
from srntt.models import Lesson

_ROWS = 4


@torch.no_grad()
def write_samples(lesson: Lesson, pairs: Pairs, file: Path) -> None:
    """Write a grid: a row a pair; bicubic, without reference, with, the truth, the first reference. Of a step
    without references, what needs one is left out. An output that is not finite is a ModelError.
    """
    few = pairs.first(_ROWS)
    lesson.model.eval()
    ways = (False, True) if few.references.shape[1] else (False,)
    outputs = [lesson.run(few, with_references).output[: len(few.low_res)] for with_references in ways]
    if not all(output.isfinite().all() for output in outputs):
        raise ModelError("The output is not finite.")
    size = few.high_res.shape[-1]
    shown = [enlarge(few.low_res, few.scale), *outputs, few.high_res]
    shown += [reference[:, :, :size, :size] for reference in few.references[:, :1].unbind(1)]
    grid = torch.cat([torch.cat([_filled(x, size) for x in column], 2) for column in zip(*shown, strict=True)], 1)
    make_folder(file.parent)
    save(load(round_to_8bit(grid.float()).cpu()), file, overwrite=True)


def _filled(picture: Float[Tensor, "3 h w"], size: int) -> Float[Tensor, "3 s s"]:
    square = picture.new_zeros(3, size, size)
    square[:, : picture.shape[1], : picture.shape[2]] = picture
    return square
