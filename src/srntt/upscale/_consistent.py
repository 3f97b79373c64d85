"""Whether the output, reduced, is the input; and how it is made so."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from srntt._shapes import Float, Shaped
from srntt.image import Picture, enlarge, resize_bicubic, to_pixels
from srntt.memory import cuts
from srntt.models import Progress

_REACH = 2  # LR rows that bicubic looks at beyond its own, reducing or enlarging
_AT_ONCE, _FEWEST_ROWS = 2**14, 8  # LR pixels of a band, and rows of one however wide
_ITERATIONS = 40
_CLOSE = 0.25 / 255  # rounding the output adds about as much; the rest is for Pillow, which rounds twice
_FLOAT, _PLANES = 4, 7  # bytes of a value; bands of the output in floating point that are there at once


@dataclass(frozen=True)
class Consistency:
    """How far the output, reduced to the input's size, is from the input, in levels of 255.

    Of a picture of 16 bits that uses a small part of them, in levels of 255 of what it uses, before its last rounding.
    Reduced by bicubic as Pillow does, without its rounding. Colours only: alpha is enlarged by bicubic whatever the
    model.

    Attributes:
        mean: absolute difference on average.
        largest: absolute difference at most.
        missed: pixels of the input where it is above 1 in any channel.
    """

    mean: float
    largest: float
    missed: int

    def as_json(self) -> dict[str, float | int]:
        """By name, rounded."""
        return {"mean": round(self.mean, 4), "largest": round(self.largest, 4), "missed": self.missed}

    def shortfall(self) -> tuple[str, ...]:
        """What to tell where the output was to be consistent and is not."""
        if not self.missed:
            return ()
        return (
            f"consistent: {self.missed} pixels of the input are still missed by more than 1 of 255, by "
            f"{self.largest:.1f} at most; black and white side by side is more than any reduced picture has",
        )


@torch.inference_mode()
def consistency(source: Picture, pixels: Shaped[np.ndarray, "H W c"]) -> Consistency:
    """Compare an output with its input.

    Args:
        source: the input.
        pixels: colours of the output, of the input's dtype.
    """
    total, largest, missed = 0.0, 0.0, 0
    for band in _bands(source, pixels):
        difference = 255 * band.missing(band.reduced(band.large())).abs()
        total += difference.sum(dtype=torch.float64).item()
        largest = max(largest, difference.max().item())
        missed += int((difference > 1).any(0).sum())
    return Consistency(total / source.color.size, largest, missed)


@torch.inference_mode()
def back_project(source: Picture, pixels: Shaped[np.ndarray, "H W c"], progress: Progress | None = None) -> None:
    """Change an output as little as it takes for its reduction to be the input, as far as values in range allow.

    Iterative back-projection (Irani and Peleg, "Improving resolution by image registration", 1991): what the reduced
    output lacks is enlarged and added, again and again. Here what was added is kept at the input's size, and each
    iteration starts from the unchanged output, so that clipping never piles up. As bicubic enlarging is the transpose
    of bicubic reducing (but for a factor, and at the frame), this is dual ascent towards the nearest picture in range,
    in the sense of least squares; Nesterov's momentum makes it quicker. Where the input is black or white, a reduction
    beyond that is as good.

    Args:
        source: the input.
        pixels: colours of the output, of the input's dtype; changed in place.
        progress: told ("consistent", done, total).
    """
    added = torch.zeros(pixels.shape[2], source.height, source.width)
    ahead, lacking = added.clone(), torch.empty_like(added)
    bands = list(_bands(source, pixels))
    for iteration in range(_ITERATIONS):
        worst = 0.0
        for band in bands:
            reduced = band.reduced(band.large(ahead))
            lacking[:, band.rows] = band.low_res() - reduced
            worst = max(worst, band.missing(reduced).abs().max().item())
        if progress:
            progress("consistent", iteration if worst > _CLOSE else _ITERATIONS, _ITERATIONS)
        if worst <= _CLOSE:
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
    """What back-projection takes at most beside the two pictures."""
    rows = min(height, _band_rows(width) + 4 * _REACH)
    return (height * width * 3 + rows * width * _PLANES * scale**2) * min(channels, 3) * _FLOAT


@dataclass(frozen=True)
class _Band:
    """Rows of the input, and what is at the same place in the output; each computed as if from the whole."""

    source: Picture
    pixels: Shaped[np.ndarray, "H W c"]
    rows: slice

    @property
    def scale(self) -> int:
        return self.pixels.shape[0] // self.source.height

    def low_res(self) -> Float[Tensor, "c h w"]:
        """Of the input."""
        return self.source.rgb(self.rows.start, self.rows.stop)[: self.pixels.shape[2]]

    def large(self, added: Float[Tensor, "c h w"] | None = None) -> Float[Tensor, "c H W"]:
        """Of the output, and as many rows around it as reducing looks at; with what was added."""
        outer = self._around(_REACH)
        samples = self.pixels[outer.start * self.scale : outer.stop * self.scale]
        large = torch.from_numpy(samples.transpose(2, 0, 1).astype(np.float32)) / np.iinfo(samples.dtype).max
        if added is None:
            return large
        seen = self._around(2 * _REACH)
        part = enlarge(added[None, :, seen], self.scale)[0]
        large += part[:, (outer.start - seen.start) * self.scale :][:, : large.shape[1]]
        return large.clamp_(0, 1)

    def inner(self, large: Float[Tensor, "c H W"]) -> Float[Tensor, "c H2 W"]:
        """Without the rows around it."""
        top = (self.rows.start - self._around(_REACH).start) * self.scale
        return large[:, top : top + (self.rows.stop - self.rows.start) * self.scale]

    def reduced(self, large: Float[Tensor, "c H W"]) -> Float[Tensor, "c h w"]:
        """To the size of the input."""
        top = self.rows.start - self._around(_REACH).start
        return _reduced(large, self.scale)[:, top : top + self.rows.stop - self.rows.start]

    def missing(self, reduced: Float[Tensor, "c h w"]) -> Float[Tensor, "c h w"]:
        """What a reduced output, as a picture, lacks of the input."""
        return self.low_res() - reduced.clamp(0, 1)

    def keep_signs(self, added: Float[Tensor, "c h w"]) -> None:
        """Nothing is added for the sake of a black pixel, nor taken away for that of a white one."""
        low_res, part = self.low_res(), added[:, self.rows]
        part[(low_res <= 0) & (part > 0)] = 0
        part[(low_res >= 1) & (part < 0)] = 0

    def _around(self, reach: int) -> slice:
        return slice(max(0, self.rows.start - reach), min(self.source.height, self.rows.stop + reach))


def _reduced(large: Float[Tensor, "c H W"], factor: int) -> Float[Tensor, "c h w"]:
    """As Pillow reduces: across, clipped to values that a picture can hold, then down; without its rounding."""
    across = _rows_reduced(large.transpose(1, 2), factor).clamp(0, 1)
    return _rows_reduced(across.transpose(1, 2), factor)


def _rows_reduced(x: Float[Tensor, "c n m"], factor: int) -> Float[Tensor, "c _ m"]:
    return resize_bicubic(x[None], (x.shape[1] // factor, x.shape[2]))[0]


def _bands(source: Picture, pixels: Shaped[np.ndarray, "H W c"]) -> Iterator[_Band]:
    for top, bottom in cuts(source.height, _band_rows(source.width)):
        yield _Band(source, pixels, slice(top, bottom))


def _band_rows(width: int) -> int:
    return max(_FEWEST_ROWS, _AT_ONCE // width)
