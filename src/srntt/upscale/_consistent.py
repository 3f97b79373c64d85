"""Consistency of the output with the input after downsampling, and back-projection to enforce it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from srntt._shapes import Float, Shaped
from srntt.image import Picture, enlarge, resize_bicubic, to_pixels, unit_floats
from srntt.memory import cuts
from srntt.models import Progress

_REACH = 2  # support of bicubic in LR rows, on each side
_AT_ONCE, _FEWEST_ROWS = 2**14, 8  # LR pixels of a band, and its minimum number of rows
_ITERATIONS_PER_BIT = 5
_CLOSE = 0.25  # steps of the depth; rounding the output adds as much, the rest allows for Pillow, which rounds twice
_FLOAT, _PLANES = 4, 7  # bytes of a value; number of bands of the output in memory in floating point


@dataclass(frozen=True)
class Consistency:
    """Difference between the output, downsampled to the input's size, and the input, in levels of 255.

    Downsampling is Pillow's bicubic without its rounding. For a 16-bit picture that uses part of its range, levels are
    1/255 of that part, before the final rounding. Alpha, always upscaled by bicubic, is excluded.

    Attributes:
        mean: Mean absolute difference.
        largest: Maximum absolute difference.
        missed: Number of pixels of the input that differ by more than 1 in any channel.
    """

    mean: float
    largest: float
    missed: int

    def as_json(self) -> dict[str, float | int]:
        """Return the fields by name, rounded."""
        return {"mean": round(self.mean, 6), "largest": round(self.largest, 6), "missed": self.missed}

    def shortfall(self) -> tuple[str, ...]:
        """Return a fallback note if an output that was to be consistent is not; otherwise empty."""
        if not self.missed:
            return ()
        return (
            f"consistent: {self.missed} pixels of the input still differ by more than 1 of 255, by at most "
            f"{self.largest:.1f}; no downsampled picture has black next to white",
        )


@torch.inference_mode()
def consistency(source: Picture, pixels: Shaped[np.ndarray, "H W c"]) -> Consistency:
    """Compare the colours of an output with its input, of the same dtype."""
    total, largest, missed = 0.0, 0.0, 0
    for band in _bands(source, pixels):
        difference = 255 * band.missing(band.reduced(band.large())).abs()
        total += difference.sum(dtype=torch.float64).item()
        largest = max(largest, difference.max().item())
        missed += int((difference > 1).any(0).sum())
    return Consistency(total / source.color.size, largest, missed)


@torch.inference_mode()
def back_project(source: Picture, pixels: Shaped[np.ndarray, "H W c"], progress: Progress | None = None) -> None:
    """Change an output minimally such that it downsamples to the input, as far as the range of values allows.

    Iterative back-projection (Irani and Peleg, "Improving resolution by image registration", 1991): the residual of the
    downsampled output is upsampled and added, repeatedly. The accumulated correction is kept at the size of the input,
    and each iteration starts from the original output, so that clipping does not accumulate. As bicubic upsampling is
    the transpose of bicubic downsampling (up to a factor, and at the frame), this is dual ascent to the nearest picture
    in range, in the least-squares sense, accelerated by Nesterov's momentum. Where the input is black or white, values
    beyond the range are accepted as equal. Iterations end at a quarter of a step of the 8 or 16 bits of the input.

    Args:
        source: Input.
        pixels: Colours of the output, in the dtype of the input; changed in place.
        progress: Called with ("consistent", done, total).
    """
    added = torch.zeros(pixels.shape[2], source.height, source.width)
    ahead, lacking = added.clone(), torch.empty_like(added)
    bands = list(_bands(source, pixels))
    iterations, close = _ITERATIONS_PER_BIT * source.bits, _CLOSE / (2**source.bits - 1)
    for iteration in range(iterations):
        worst = 0.0
        for band in bands:
            reduced = band.reduced(band.large(ahead))
            lacking[:, band.rows] = band.low_res() - reduced
            worst = max(worst, band.missing(reduced).abs().max().item())
        if progress:
            progress("consistent", iteration if worst > close else iterations, iterations)
        if worst <= close:
            break
        ahead += lacking
        for band in bands:
            band.keep_signs(ahead)
        added.lerp_(ahead, 1 + iteration / (iteration + 3))
        added, ahead = ahead, added
    for band in bands:
        rows = slice(band.rows.start * band.scale, band.rows.stop * band.scale)
        pixels[rows] = to_pixels(band.inner(band.large(ahead)), bits=source.bits)


def consistency_bytes(height: int, width: int, channels: int, scale: int) -> int:
    """Return an upper bound of the memory of back-projection, without the two pictures, in bytes."""
    rows = min(height, _band_rows(width) + 4 * _REACH)
    return (height * width * 3 + rows * width * _PLANES * scale**2) * min(channels, 3) * _FLOAT


@dataclass(frozen=True)
class _Band:
    """Band of rows of the input and the corresponding rows of the output, computed independently of other bands."""

    source: Picture
    pixels: Shaped[np.ndarray, "H W c"]
    rows: slice

    @property
    def scale(self) -> int:
        return self.pixels.shape[0] // self.source.height

    def low_res(self) -> Float[Tensor, "c h w"]:
        """Return the rows of the input with those around them."""
        return self.source.rgb(self.rows.start, self.rows.stop)[: self.pixels.shape[2]]

    def large(self, added: Float[Tensor, "c h w"] | None = None) -> Float[Tensor, "c H W"]:
        """Return the rows of the output with those in the support of downsampling, plus the correction."""
        outer = self._around(_REACH)
        samples = self.pixels[outer.start * self.scale : outer.stop * self.scale]
        large = torch.from_numpy(unit_floats(samples.transpose(2, 0, 1)))
        if added is None:
            return large
        seen = self._around(2 * _REACH)
        part = enlarge(added[None, :, seen], self.scale)[0]
        large += part[:, (outer.start - seen.start) * self.scale :][:, : large.shape[1]]
        return large.clamp_(0, 1)

    def inner(self, large: Float[Tensor, "c H W"]) -> Float[Tensor, "c H2 W"]:
        """Remove the rows around the band."""
        top = (self.rows.start - self._around(_REACH).start) * self.scale
        return large[:, top : top + (self.rows.stop - self.rows.start) * self.scale]

    def reduced(self, large: Float[Tensor, "c H W"]) -> Float[Tensor, "c h w"]:
        """Downsample to the size of the input."""
        top = self.rows.start - self._around(_REACH).start
        return _reduced(large, self.scale)[:, top : top + self.rows.stop - self.rows.start]

    def missing(self, reduced: Float[Tensor, "c h w"]) -> Float[Tensor, "c h w"]:
        """Return the difference of the input and the downsampled output, clipped to the range of a picture."""
        return self.low_res() - reduced.clamp(0, 1)

    def keep_signs(self, added: Float[Tensor, "c h w"]) -> None:
        """Remove positive corrections for black pixels, and negative ones for white pixels."""
        low_res, part = self.low_res(), added[:, self.rows]
        part[(low_res <= 0) & (part > 0)] = 0
        part[(low_res >= 1) & (part < 0)] = 0

    def _around(self, reach: int) -> slice:
        return slice(max(0, self.rows.start - reach), min(self.source.height, self.rows.stop + reach))


def _reduced(large: Float[Tensor, "c H W"], factor: int) -> Float[Tensor, "c h w"]:
    """Downsample as Pillow does, without rounding: horizontally, clipped to the range, then vertically."""
    across = _rows_reduced(large.transpose(1, 2), factor).clamp(0, 1)
    return _rows_reduced(across.transpose(1, 2), factor)


def _rows_reduced(x: Float[Tensor, "c n m"], factor: int) -> Float[Tensor, "c _ m"]:
    return resize_bicubic(x[None], (x.shape[1] // factor, x.shape[2]))[0]


def _bands(source: Picture, pixels: Shaped[np.ndarray, "H W c"]) -> Iterator[_Band]:
    for top, bottom in cuts(source.height, _band_rows(source.width)):
        yield _Band(source, pixels, slice(top, bottom))


def _band_rows(width: int) -> int:
    return max(_FEWEST_ROWS, _AT_ONCE // width)
