"""What kind of thing a picture came as, so that the result can be given back as the same kind."""

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from srntt._shapes import Float, Shaped
from srntt.image import Picture, Source

Given = Image.Image | np.ndarray | Tensor


@dataclass(frozen=True)
class Form:
    """Of an input: enough to make its like.

    Attributes:
        dtype: of an array or tensor; None for everything else, whose like is a Pillow image.
        axes: how many it had.
        device: where a tensor lay.
    """

    dtype: np.dtype | torch.dtype | None = None
    axes: int = 3
    device: torch.device | None = None

    @classmethod
    def of(cls, source: Source) -> "Form":
        """Look at an input; it need not be a picture that can be read."""
        if isinstance(source, np.ndarray):
            return cls(source.dtype, source.ndim)
        if isinstance(source, Tensor):
            return cls(source.dtype, source.ndim, source.device)
        return cls()

    def like(self, picture: Picture) -> Given:
        """The picture as the input was: array for array, tensor for tensor, with dtype, axes and device."""
        if isinstance(self.dtype, np.dtype):
            return self._array(picture, self.dtype)
        if isinstance(self.dtype, torch.dtype):
            return self._tensor(picture, self.dtype)
        return pillow_image(picture)

    def _array(self, picture: Picture, dtype: np.dtype) -> Shaped[np.ndarray, "..."]:
        samples = picture.interleaved()
        values = samples if dtype.kind == "u" else samples / np.iinfo(samples.dtype).max
        return (values[:, :, 0] if self.axes == 2 else values).astype(dtype)

    def _tensor(self, picture: Picture, dtype: torch.dtype) -> Shaped[Tensor, "..."]:
        samples = np.ascontiguousarray(picture.interleaved().transpose(2, 0, 1))
        values = samples / np.iinfo(samples.dtype).max if dtype.is_floating_point else samples.copy()
        return torch.from_numpy(values[0] if self.axes == 2 else values).to(self.device, dtype)


def pillow_image(picture: Picture) -> Image.Image:
    """In 8 bits, which is all that Pillow holds in colour."""
    array = picture.to_8bit().interleaved()
    return Image.fromarray(array[:, :, 0] if array.shape[2] == 1 else array)


def unit_tensor(picture: Picture) -> Float[Tensor, "c H W"]:
    """Float32 in [0, 1], alpha (if there is any) as the last channel."""
    samples = picture.interleaved().transpose(2, 0, 1).astype(np.float32)
    return torch.from_numpy(samples / np.float32(np.iinfo(picture.color.dtype).max))
