"""What can be evaluated: a model of ours, or a peer that everyone can repeat."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from srntt._shapes import Float, UInt8
from srntt.data import as_unit
from srntt.image import resize_pillow

if TYPE_CHECKING:
    import srntt.upscale


@dataclass(frozen=True, eq=False)
class Answer:
    """What a method made of a picture.

    Attributes:
        picture: RGB in [0, 1].
        fallbacks: whatever it had to do otherwise than asked.
        similarity: of each low-res position to its match; None where the method has or tells none.
        provenance: where the detail came from; None likewise.
        seconds: that the method took, where it knows better than a clock around it; else None.
    """

    picture: Float[np.ndarray, "3 H W"]
    fallbacks: tuple[str, ...] = ()
    similarity: Float[np.ndarray, "h w"] | None = None
    provenance: "srntt.upscale.Provenance | None" = None
    seconds: float | None = None


Reference = Path | UInt8[np.ndarray, "_ _ 3"]
"""A file, or 8-bit RGB where the protocol has done something to it."""

Method = Callable[[UInt8[np.ndarray, "h w 3"], Sequence[Reference]], Answer]
"""A low-res picture of 8-bit RGB and references (none, for single-image super-resolution) to an answer."""


def bicubic(low_res: UInt8[np.ndarray, "h w 3"], references: Sequence[Reference]) -> Answer:
    """Pillow's bicubic on 8 bits, four times larger: the floor that every method must beat."""
    return Answer(as_unit(resize_pillow(low_res, (low_res.shape[0] * 4, low_res.shape[1] * 4))))


def bicubic_matlab(low_res: UInt8[np.ndarray, "h w 3"], references: Sequence[Reference]) -> Answer:
    """MATLAB's imresize on 8 bits, four times larger: the bicubic of the single-image papers' tables."""
    import torch

    from srntt.image import bicubic_matlab

    picture = torch.from_numpy(as_unit(low_res).astype(np.float64))
    for size in ((low_res.shape[0] * 4, low_res.shape[1]), (low_res.shape[0] * 4, low_res.shape[1] * 4)):
        picture = bicubic_matlab(picture, size=size).mul(255).round().clamp(0, 255) / 255  # as MATLAB does on uint8
    return Answer(picture.numpy())


def lanczos(low_res: UInt8[np.ndarray, "h w 3"], references: Sequence[Reference]) -> Answer:
    """Pillow's Lanczos (three lobes) on 8 bits, four times larger: what image programs call their best."""
    return Answer(as_unit(resize_pillow(low_res, (low_res.shape[0] * 4, low_res.shape[1] * 4), "lanczos")))


def model_method(upscaler: "srntt.upscale.Upscaler") -> Method:
    """A model of ours; references are read and encoded for each picture anew, and that time counts."""

    def answer(low_res: UInt8[np.ndarray, "h w 3"], references: Sequence[Reference]) -> Answer:
        encoded = upscaler.encode_references(list(references)) if references else None
        result = upscaler.upscale(low_res, encoded)
        return Answer(result.picture.rgb().numpy(), result.fallbacks, result.similarity, result.provenance)

    return answer
