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
    """Write a grid: a row a pair; bicubic, without reference, with, the truth, the first reference.

    Raises:
        ModelError: an output is not finite.
    """
    few = pairs.first(_ROWS)
    lesson.model.eval()
    outputs = [lesson.run(few, with_references).output[: len(few.low_res)] for with_references in (False, True)]
    if not all(output.isfinite().all() for output in outputs):
        raise ModelError("The output is not finite.")
    shown = [enlarge(few.low_res, few.high_res.shape[-1] // few.low_res.shape[-1]), *outputs, few.high_res]
    size = few.high_res.shape[-1]
    shown.append(few.references[:, 0, :, :size, :size])
    grid = torch.cat([torch.cat([_filled(x, size) for x in column], 2) for column in zip(*shown, strict=True)], 1)
    make_folder(file.parent)
    save(load(round_to_8bit(grid.float()).cpu()), file, overwrite=True)


def _filled(picture: Float[Tensor, "3 h w"], size: int) -> Float[Tensor, "3 s s"]:
    square = picture.new_zeros(3, size, size)
    square[:, : picture.shape[1], : picture.shape[2]] = picture
    return square
