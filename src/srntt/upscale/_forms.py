"""What kind of thing a picture came as, so that the result can be given back as the same kind."""

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from srntt._shapes import Float, Shaped
from srntt.image import Picture, Source, to_pillow

Given = Image.Image | np.ndarray | Tensor


@dataclass(frozen=True)
class Form:
    """Of an input: enough to make its like.

    Attributes:
        dtype: of an array or tensor; None for everything else, whose like is a Pillow image.
        axes: how many it had.
        device: where a tensor lay.
        mode: of a Pillow image.
    """

    dtype: np.dtype | torch.dtype | None = None
    axes: int = 3
    device: torch.device | None = None
    mode: str | None = None

    @classmethod
    def of(cls, source: Source) -> "Form":
        """Look at an input; it need not be a picture that can be read."""
        if isinstance(source, np.ndarray):
            return cls(source.dtype, source.ndim)
        if isinstance(source, Tensor):
            return cls(source.dtype, source.ndim, source.device)
        return cls(mode=source.mode) if isinstance(source, Image.Image) else cls()

    def like(self, picture: Picture) -> Given:
        """The picture as the input was: array for array, tensor for tensor, with dtype, axes and device."""
        if isinstance(self.dtype, np.dtype):
            return self._array(picture, self.dtype)
        if isinstance(self.dtype, torch.dtype):
            return self._tensor(picture, self.dtype)
        return to_pillow(picture, self.mode)

    def _array(self, picture: Picture, dtype: np.dtype) -> Shaped[np.ndarray, "..."]:
        values = _values(picture, whole=dtype.kind in "iu")
        return (values[:, :, 0] if self.axes == 2 else values).astype(dtype)

    def _tensor(self, picture: Picture, dtype: torch.dtype) -> Shaped[Tensor, "..."]:
        values = _values(picture, whole=not dtype.is_floating_point).transpose(2, 0, 1).copy()
        return torch.from_numpy(values[0] if self.axes == 2 else values).to(self.device, dtype)


def _values(picture: Picture, *, whole: bool) -> Shaped[np.ndarray, "H W c"]:
    """In the range that the input had; floats from 0 to 1 where it had none of its own."""
    if picture.levels is not None:
        return picture.values()
    samples = picture.interleaved()
    return samples if whole else samples / np.iinfo(samples.dtype).max


def unit_tensor(picture: Picture) -> Float[Tensor, "c H W"]:
    """Float32 in [0, 1], alpha (if there is any) as the last channel."""
    samples = picture.interleaved().transpose(2, 0, 1).astype(np.float32)
    return torch.from_numpy(samples / np.float32(np.iinfo(picture.color.dtype).max))
