"""Predicted and remaining time of the whole work of a command."""

import time
import warnings
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    import srntt.upscale

_CHEAP_HEADERS = ("PNG", "JPEG", "TIFF", "BMP")  # whose sizes Pillow reads without decoding anything
_USUAL = (1500, 2000)  # height and width of a reference whose size is not known yet
_ENSEMBLE = 8


def schedule_for(
    upscaler: "srntt.upscale.Upscaler",
    picture: tuple[int, int],
    references: Sequence[Path],
    output: tuple[int, int],
    *,
    augmented: bool,
    self_ensemble: bool,
) -> "srntt.upscale.Schedule":
    """Return the stages of an upscale with their predicted times, from the start of the process.

    Args:
        upscaler: The upscaler.
        picture: Height and width of the input.
        references: Files of the references.
        output: Height and width of the output.
        augmented: Whether scaled and rotated copies of the references are searched, too.
        self_ensemble: Whether the work is repeated eight times.
    """
    from srntt.upscale import Schedule, Speeds, Workload

    sizes = [_size(file) for file in references]
    repeated = _ENSEMBLE if self_ensemble else 1
    load = Workload(picture, sizes, output, augmented, upscaler.align == "auto", repeated)
    began = time.monotonic() - (time.time() - psutil.Process().create_time())
    speeds = Speeds.of(upscaler.model_name, upscaler.device)
    processor = time.process_time if upscaler.device.type == "cpu" else None
    return Schedule(upscaler.units(load), speeds, began=began, processor=processor)


def _size(file: Path) -> tuple[int, int]:
    from PIL import Image

    with suppress(Exception), warnings.catch_warnings():  # reading the file will report any error
        warnings.simplefilter("ignore")
        if not file.is_file():  # opening a FIFO would block
            return _USUAL
        with Image.open(file, formats=_CHEAP_HEADERS) as opened:
            return opened.height, opened.width
    return _USUAL
