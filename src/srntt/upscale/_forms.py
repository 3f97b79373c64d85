"""Form of an input (array, tensor or image), so that the result can be returned in the same form."""

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from srntt._shapes import Float, Shaped
from srntt.image import Picture, Source, to_pillow, unit_floats

Given = Image.Image | np.ndarray | Tensor


@dataclass(frozen=True)
class Form:
    """Form of an input.

    Attributes:
        dtype: Dtype of an array or tensor; None for any other input, for which a Pillow image is returned.
        axes: Number of axes.
        device: Device of a tensor.
        mode: Mode of a Pillow image.
    """

    dtype: np.dtype | torch.dtype | None = None
    axes: int = 3
    device: torch.device | None = None
    mode: str | None = None

    @classmethod
    def of(cls, source: Source) -> "Form":
        """Determine the form of an input, which may be an invalid picture."""
        if isinstance(source, np.ndarray):
            return cls(source.dtype, source.ndim)
        if isinstance(source, Tensor):
            return cls(source.dtype, source.ndim, source.device)
        return cls(mode=source.mode) if isinstance(source, Image.Image) else cls()

    def like(self, picture: Picture) -> Given:
        """Convert a picture to this form: array for array, tensor for tensor, with dtype, axes and device."""
        if isinstance(self.dtype, np.dtype):
            values = _values(picture, whole=self.dtype.kind in "iu")
            return (values[:, :, 0] if self.axes == 2 else values).astype(self.dtype)
        if isinstance(self.dtype, torch.dtype):
            values = _values(picture, whole=not self.dtype.is_floating_point).transpose(2, 0, 1).copy()
            return torch.from_numpy(values[0] if self.axes == 2 else values).to(self.device, self.dtype)
        return to_pillow(picture, self.mode)


def _values(picture: Picture, *, whole: bool) -> Shaped[np.ndarray, "H W c"]:
    """Return the values in the range of the input; floats in [0, 1] if it had none."""
    if picture.levels is not None:
        return picture.values()
    samples = picture.interleaved()
    return samples if whole else samples / np.iinfo(samples.dtype).max


def unit_tensor(picture: Picture) -> Float[Tensor, "c H W"]:
    """Convert to float32 in [0, 1], with alpha, if any, as the last channel."""
    return torch.from_numpy(unit_floats(picture.interleaved().transpose(2, 0, 1)))
